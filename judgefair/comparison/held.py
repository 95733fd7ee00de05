"""What does a run folder hold: a judge validated in a context, or one that is used without that?"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judgefair.compile.program import load_program
from judgefair.errors import InputError
from judgefair.estimation import load_estimation
from judgefair.estimation.source import OWN
from judgefair.runs.folder import PROGRAM, read_manifest
from judgefair.validation import Validation, load_validation
from judgefair.validation.assemble import EPSILON
from judgefair.validation.store import CARRIED, NAME, read_scope

OF_THE_RUN = "the run itself"


@dataclass(frozen=True, slots=True)
class Held:
    """One run folder.

    Attributes
    ----------
    judge, server, program : who judged; server and program are None where ratings were given in a table.
    rubric : id, version and fingerprint; None without a rubric.
    epsilon : of the alternative annotator test.
    validation : against labels of these very items; None where there are none.
    carried_from : the context whose validation stands in for one; None where none does.
    used_in : what the judge judged here, in words.
    system : what the manifest says of the system that answered; None where it says nothing.
    """

    run: Path
    judge: str
    server: str | None
    program: str | None
    rubric: Mapping[str, str] | None
    epsilon: float
    as_of: str
    validation: Validation | None
    carried_from: str | None
    used_in: str
    system: Mapping[str, Any] | None = None


def read_run(run: Path) -> Held:
    """What is in one folder.

    Raises
    ------
    InputError : it holds neither a validation nor a judged run, or ratings newer than the validation beside them.
    """
    manifest = read_manifest(run)
    if manifest.get("cells"):
        cells = ", ".join(str(run / str(folder)) for folder in manifest["cells"])
        raise InputError(f"{run}: holds the runs of several systems or judges. Name them one by one: {cells}")
    validation = _own_validation(run)
    has_program = (run / PROGRAM).is_file()
    if validation is None and not (has_program and "model" in manifest):
        raise InputError(
            f"{run}: holds neither a validation nor a judged run. Expected a folder that judgefair validate --out, or judgefair judge --out, wrote"
        )
    program = load_program(run / PROGRAM) if has_program else None
    rubric = None if program is None else program.rubric
    told = None if rubric is None else {"id": rubric.id, "version": rubric.version, "fingerprint": rubric.fingerprint}
    if validation is not None:
        who = validation.scope["judge"], validation.scope.get("server"), validation.scope.get("program")
        as_of, used_in = validation.scope["as_of"], context_name(validation.scope)
    else:
        assert program is not None
        who = manifest["model"]["name"], manifest["model"]["server"], program.fingerprint
        as_of, used_in = manifest["as_of"], _use(run, manifest, f"{program.rubric.id} {program.rubric.version}")
    epsilon = EPSILON if rubric is None else rubric.validity.alt_test_epsilon
    system = manifest.get("system")
    return Held(
        run, *who, told, epsilon, as_of, validation, _carried_from(run), used_in, system if isinstance(system, dict) else None
    )


def context_name(scope: Mapping[str, Any]) -> str:
    """The context that a validation speaks of: rubric and version, set, split.

    Labels of a run itself are of no set that another run shares, unless the items are the same.
    """
    rubric = f"{scope['rubric']['id']} {scope['rubric']['version']}" if "rubric" in scope else "no rubric"
    of_itself = scope["set"]["id"] == OWN
    name = f"own labels of items {scope['split_fingerprint'][:8]}" if of_itself else scope["set"]["id"]
    return f"{rubric}, {name}, {scope['split']}"


def _own_validation(run: Path) -> Validation | None:
    """The validation of a run against labels of its own items; None where it has none, or no label."""
    if not (run / NAME).is_file():
        return None
    validation = load_validation(run)
    if read_scope(run) is None:
        raise InputError(
            f"{run}: its ratings are newer than its validation. Run the command that validated it again (judgefair validate ... --out "
            f"{run}, or judgefair estimate {run})"
        )
    humans = validation.ratings[validation.ratings["rater_kind"] == "human"]
    return validation if humans["code"].notna().any() else None


def _carried_from(run: Path) -> str | None:
    if not (run / NAME).is_file() and (run / CARRIED / NAME).is_file():
        return context_name(load_validation(run / CARRIED).scope)
    estimation = load_estimation(run)
    source = OF_THE_RUN if estimation is None else str(estimation.scope["labels_from"])
    return None if source == OF_THE_RUN else source


def _use(run: Path, manifest: Mapping[str, Any], rubric: str) -> str:
    system, n = manifest.get("system"), manifest.get("items", {}).get("n")
    items = "items" if n is None else f"{n:,} items"
    by = f" by {system['id']}" if isinstance(system, dict) else ""
    return f"{rubric}, {items}{by} in {run.name}"
