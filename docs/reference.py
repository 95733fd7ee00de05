"""What is there to look up? The reference pages, made from the code each time that the site is built (a hook of MkDocs)."""

import inspect
import re
import tempfile
import textwrap
import types
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import pyarrow.parquet as pq
import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import judgefair as jf
from judgefair import errors, plugins, records, statistics
from judgefair.calibration.card import Card, read_card
from judgefair.calibration.ratings import OPTIONAL, REQUIRED
from judgefair.calibration.tables import SET_RATING_COLUMNS
from judgefair.cli import app
from judgefair.cli.gating import VERDICTS_FAIL
from judgefair.compile.improving import ISOTONIC
from judgefair.folders import shipped
from judgefair.records import MISSING_REASONS, RATING_COLUMNS
from judgefair.rubric.rubric import Rubric
from judgefair.runs.queries import QUERIES, RESPONSES, write_queries, write_responses
from judgefair.runs.tables import ORDERS
from judgefair.simulate.gates.limits import LIMITS
from judgefair.study.options import Study

ROOT = Path(__file__).parents[1]
INCLUDED = {"validity_study.md": "benchmarks/validity.md", "changelog.md": "CHANGELOG.md"}
"""Pages whose text is another file of the repository, below what the page itself says."""
SHORT = 60
"""Characters of a signature that stand on one line."""
MARK, LENSES = "<!-- the file -->", "<!-- the lenses -->"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put the generated pages beside the written ones."""
    for name, text in pages().items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """Put the file that a page shows where the page marks it, without its title; and the lenses' own texts where they are explained."""
    source = INCLUDED.get(page.file.src_uri)
    if source is not None:
        markdown = markdown.replace(MARK, (ROOT / source).read_text("utf-8").partition("\n")[2])
    return markdown.replace(LENSES, _claims())


def pages() -> dict[str, str]:
    """Each page of the reference by its path in the site: Markdown, with every name that the code has."""
    made: dict[str, Callable[[], str]] = {
        "verbs": verbs, "python": of_python, "statistics": of_statistics, "estimands": estimands, "lenses": lenses, "probes": probes,
        "optimizers": optimizers, "recipes": recipes, "scales": scales, "targets": targets, "sections": sections, "gates": gates,
        "rubric": rubric_fields, "card": card_fields, "study": study_fields, "tables": tables, "errors": of_errors,
        "environment": environment,
    }  # fmt: skip
    return {f"reference/{name}.md": make() for name, make in made.items()}


# --- the command line


def verbs() -> str:
    """Every verb with its arguments and options."""
    told = [_title("Verbs", "Made from the command line itself: `judgefair VERB --help` says the same.")]
    for words, command in commands():
        told += [f"## judgefair {words}", _text(command.help or ""), _options(command)]
        if command.epilog:
            told.append("```text\n" + "\n".join(line for line in command.epilog.splitlines()[1:] if line) + "\n```")
    told.append(_exit_codes())
    return "\n\n".join(part for part in told if part) + "\n"


def commands() -> list[tuple[str, Any]]:
    """Every command by its words, families first, in the order of the help."""
    return list(_below(typer.main.get_command(app), ()))


def _below(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if words:
        yield " ".join(words), command
    for name, one in getattr(command, "commands", {}).items():
        yield from _below(one, (*words, name))


def _options(command: Any) -> str:
    rows = []
    for parameter in command.params:
        is_option = parameter.param_type_name == "option"
        names = (
            [*parameter.opts, *parameter.secondary_opts] if is_option else [(parameter.metavar or parameter.name or "").upper()]
        )
        notes = [parameter.help or ""]
        if parameter.required:
            notes.append("Required.")
        elif is_option and parameter.default not in (None, False, ()) and not callable(parameter.default):
            default = parameter.default
            notes.append(f"Default: `{getattr(default, 'value', default)}`.")
        if parameter.envvar:
            notes.append(f"Variable: `{parameter.envvar}`.")
        rows.append([", ".join(f"`{name}`" for name in names), " ".join(note for note in notes if note)])
    return _table(["option", "what it does"], rows) if rows else ""


def _exit_codes() -> str:
    codes = [
        ["0", "done"],
        ["1", "bad input, or a model or a disk that cannot be used"],
        ["2", "options that do not go together, or one that is wanting"],
        ["3", "the judge did not pass the validity gate of the rubric"],
        ["4", "finished with more missing ratings than the rubric allows, or stopped by a budget"],
        [str(VERDICTS_FAIL), "with `--gate`: a verdict fails"],
        ["130", "stopped by Ctrl-C; the same command goes on from there"],
    ]
    return "## Exit codes\n\n" + _table(["code", "meaning"], codes)


# --- Python


def of_statistics() -> str:
    """Every public function and result of `judgefair.statistics`, with its docstring."""
    intro = (
        "Arrays in, `Estimate` (or a small frozen result of them) out. `values` is (n_raters, n_items), nan = missing; `clusters` labels "
        "items by scenario; `rng` is a seed or a Generator. What each is for, and when it fails, is on "
        "[The statistics](../explanation/statistics.md)."
    )
    return _api("Statistics", intro, "judgefair.statistics", statistics, statistics.__all__)


def of_python() -> str:
    """Every public name of `judgefair`."""
    names = [name for name in jf.__all__ if not isinstance(getattr(jf, name), types.ModuleType)]
    intro = "What `import judgefair as jf` gives. Names are imported on first use."
    models = [_title("", ""), "## jf.models"]
    module = jf.models
    for name in module.__all__:
        models.append(f"### jf.models.{name}\n\n{_docstring(getattr(module, name))}")
    return _api("Python", intro, "jf", jf, names) + "\n" + "\n\n".join(models[1:]) + "\n"


def _api(title: str, intro: str, module: str, owner: Any, names: Sequence[str]) -> str:
    told = [_title(title, intro)]
    for name in sorted(names, key=lambda name: (name[0].isupper(), name)):
        found = getattr(owner, name)
        signature = _signature(found)
        told.append(f"## {name}\n\n```text\n{module}.{name}{signature}\n```\n\n{_docstring(found)}\n\n{_methods(found)}")
    return "\n\n".join(told) + "\n"


def _methods(found: Any) -> str:
    """What can be asked of a result, besides its attributes."""
    if not inspect.isclass(found):
        return ""
    rows = [
        [f"`{name}`", _escaped(documented.splitlines()[0])]
        for name, one in vars(found).items()
        if not name.startswith("_") and not isinstance(one, types.MemberDescriptorType) and (documented := inspect.getdoc(one))
    ]
    return _table(["method or property", "what it gives"], rows) if rows else ""


def _signature(found: Any) -> str:
    if inspect.isclass(found) and found.__module__ != records.__name__:
        return ""
    parameters = [p.replace(annotation=inspect.Parameter.empty) for p in inspect.signature(found).parameters.values()]
    whole = str(inspect.Signature(parameters))
    return whole if len(whole) < SHORT else "(\n" + "".join(f"    {part},\n" for part in whole[1:-1].split(", ")) + ")"


def _docstring(found: Any) -> str:
    return numpydoc(inspect.getdoc(found) or "")


def numpydoc(text: str) -> str:
    """A docstring as Markdown: sections are bold, what they list becomes a list, examples are fenced."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", text, flags=re.MULTILINE)
    told = [_text(parts[0])]
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        listed = heading in {"Parameters", "Attributes", "Raises"}
        told.append(f"**{heading}**\n\n{_listed(body) if listed else _text(body)}")
    return "\n\n".join(told)


def _listed(body: str) -> str:
    """Entries `name : what it is`, each with the indented lines that belong to it; prose stays prose."""
    body, prompt, rest = body.partition(">>> ")
    entries: list[str] = []
    for line in body.strip("\n").splitlines():
        if line and not line.startswith(" ") and (found := re.match(r"([\w*, ]+?) : (.*)", line)):
            names = ", ".join(f"`{name.strip()}`" for name in found[1].split(","))
            entries.append(f"- {names}: {_escaped(found[2])}")
        elif line.startswith(" ") and entries:
            entries[-1] += f" {_escaped(line.strip())}"
        elif line:
            entries.append(_escaped(line))
    return "\n".join(entries) + (f"\n\n{_text(prompt + rest)}" if prompt else "")


def _text(text: str) -> str:
    """Prose with its lists; indented lines are formulas, and doctests are fenced."""
    told = []
    for block in re.split(r"\n(?:[ \t]*\n)+", text.strip("\n")):
        if block.startswith(">>>"):
            told.append(f"```pycon\n{block}\n```")
        elif block.startswith("    "):
            told.append(f"```text\n{textwrap.dedent(block)}\n```")
        else:
            told.append(_escaped(block))
    return "\n\n".join(told)


def _escaped(text: str) -> str:
    """What Markdown would read as marks, outside of code, as it is written."""
    parts = re.split(r"(`[^`\n]*`)", text)
    return "".join(part if i % 2 else re.sub(r"([*_<\[\]])", r"\\\1", part) for i, part in enumerate(parts))


# --- what is plugged in


def lenses() -> str:
    """Each lens with what can and cannot be claimed through it."""
    told = [
        _title(
            "Lenses",
            "`judgefair estimate` looks at a run through each of them. What each can claim, in general, is on "
            "[What each lens can claim](../explanation/lenses.md). Estimands are named `lens.<name>.<what>`.",
        )
    ]
    for name, module in _plugged("lenses"):
        told.append(
            f"## {name}\n\n{_first(module)}\n\n**Framework.** {_escaped(module.FRAMEWORK)}\n\n**Source.** {_escaped(module.SOURCE)}\n\n"
            f"**Can claim.** {_escaped(module.CAN)}\n\n**Cannot claim.** {_escaped(module.CANNOT)}\n\n{_docstring(module.look)}"
        )
    return _joined(told)


def _claims() -> str:
    rows = [
        [
            f"[{_escaped(name)}](../reference/lenses.md#{name})",
            _escaped(module.FRAMEWORK),
            _escaped(module.CAN),
            _escaped(module.CANNOT),
        ]
        for name, module in _plugged("lenses")
    ]
    return _table(["lens", "framework", "can claim", "cannot claim"], rows)


def probes() -> str:
    """Each probe with what it changes and what it is held against."""
    told = [
        _title("Probes", "`judgefair probe` changes what a sound judge ignores. Estimands are named `probe.<name>.<what>`."),
    ]
    for name, module in _plugged("probes"):
        what = "signed changes" if module.IS_DIRECTED else "magnitudes of changes"
        told.append(
            f"## {name}\n\n{_escaped(module.QUESTION)}\n\n**Change.** {_escaped(module.CHANGE)}.\n\n**Placebo.** "
            f"{_escaped(module.PLACEBO)}.\n\n**Compared.** {what}.\n\n{_text((inspect.getdoc(module) or '').partition(chr(10))[2])}"
        )
    return _joined(told)


def optimizers() -> str:
    """Each optimiser and whether it needs a second model."""
    rows = [
        [f"`{name}`", f"{_escaped(module.SAYS)}.", "yes" if module.NEEDS_REFLECTION else "no"]
        for name, module in _plugged("optimizers")
    ]
    rows.append(
        [
            f"`{ISOTONIC}`",
            "reads the judge's levels as the levels that humans give, as train shows them; changes no prompt.",
            "no",
        ]
    )
    intro = (
        "`judgefair compile --optimizer NAME --set ID` learns from train and dev, and never sees an item of test. What it comes to is kept "
        "only where dev shows a gain in agreement beyond its interval."
    )
    return f"{_title('Optimisers', intro)}\n\n{_table(['name', 'what it does', 'second model'], rows)}\n"


def recipes() -> str:
    """Each recipe with the card of its set."""
    told = [_title("Recipes", "`judgefair sets fetch ID` brings the originals; none is part of the project.")]
    for name, module in _plugged("recipes"):
        card = read_card(shipped("calibration_sets") / name / "card.yaml")
        facts = [
            ["title", _escaped(card.title)],
            ["citation", _escaped(card.citation)],
            ["licence", _escaped(card.licence)],
            ["labels", card.labels],
            ["raters", _escaped(card.rater_pool)],
            ["criteria", ", ".join(f"`{criterion}` ({rated.scale.kind})" for criterion, rated in card.criteria.items())],
            ["known issues", " ".join(_escaped(issue) for issue in card.known_issues)],
        ]
        told.append(f"## {name}\n\n{_first(module)}\n\n{_table(['', ''], facts)}")
    return _joined(told)


def scales() -> str:
    """Each kind of scale."""
    told = [_title("Scale kinds", "In a rubric `scale: {kind: KIND, levels: ...}`; on the command line `--scale KIND:LEVELS`.")]
    for name, module in _plugged("scales"):
        kind = module.SCALE
        weights = ", ".join(weight or "none" for weight in kind.kappa_weights)
        facts = [
            ["measurement", kind.measurement],
            ["weights of kappa", weights],
            ["compares two responses", "yes" if kind.compares else "no"],
        ]
        told.append(f"## {name}\n\n{_first(module)}\n\n{_docstring(kind) if kind.__doc__ else ''}\n\n{_table(['', ''], facts)}")
    return _joined(told)


def targets() -> str:
    """Each kind of system under evaluation, with its settings."""
    told = [_title("Targets", "`kind` of a system in a study; what else the system says are settings of its kind.")]
    for name, module in _plugged("targets"):
        told.append(f"## {name}\n\n{_first(module)}\n\n{_fields(module.Settings)}")
    return _joined(told)


def sections() -> str:
    """Each section of a report, in the order in which it stands."""
    ordered = sorted(_plugged("sections"), key=lambda pair: pair[1].ORDER)
    rows = [[f"`{name}`", _first(module), str(module.ORDER)] for name, module in ordered]
    return f"{_title('Report sections', 'A section without anything to say is left out.')}\n\n{_table(['name', 'question', 'order'], rows)}\n"


def gates() -> str:
    """Each gate of a simulated query, with the numbers that pass."""
    rows = [[f"`{name}`", f"{limit.low:g} to {limit.high:g}", _escaped(limit.reason)] for name, limit in LIMITS.items()]
    intro = (
        "What a simulated query has to pass. Its number stands in the column `gate.<name>` of `queries.parquet`. The gate a judge has to pass is "
        "another: the block `validity` of [a rubric](rubric.md)."
    )
    return f"{_title('Gates of simulated queries', intro)}\n\n{_table(['name', 'passes', 'why'], rows)}\n"


def _plugged(group: str) -> list[tuple[str, Any]]:
    """The modules of a group that are the project's own, whatever else is installed here."""
    return [
        (name, import_module(f"{plugins.GROUPS[group]}.{name}"))
        for name in plugins.names(group)
        if (ROOT.joinpath(*plugins.GROUPS[group].split(".")) / f"{name}.py").is_file()
    ]


def _first(module: Any) -> str:
    return _escaped((inspect.getdoc(module) or "").splitlines()[0])


# --- files that people write


def rubric_fields() -> str:
    """Every field of a rubric."""
    intro = (
        "Read strictly: an unknown key, a missing field or a wrong type is an error with its line. A criterion may say `include: NAME` and add "
        "what is its own: the rest is read from `shared/NAME.yaml` beside the rubric's folder, or from the shipped ones."
    )
    return f"{_title('Fields of rubric.yaml', intro)}\n\n{_models(Rubric)}\n"


def card_fields() -> str:
    """Every field of a card."""
    intro = "What stands in the folder of a calibration set. `judgefair check card.yaml` reads it as strictly."
    return f"{_title('Fields of card.yaml', intro)}\n\n{_models(Card)}\n"


def study_fields() -> str:
    """Every field of a study."""
    intro = "Everything that `judgefair run` needs to do a study again. Settings of a system are on [Targets](targets.md)."
    return f"{_title('Fields of study.yaml', intro)}\n\n{_models(Study)}\n"


def models_below(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The model and those that its fields hold, by the path to them, in the order of the file."""
    found: dict[str, type[BaseModel]] = {"": model}
    waiting = [("", model)]
    while waiting:
        path, one = waiting.pop(0)
        for name, field in one.model_fields.items():
            for part, within in _models_in(field.annotation):
                place = f"{path}.{name}{part}".lstrip(".")
                found[place] = within
                waiting.append((place, within))
    return found


def _models_in(annotation: Any) -> Iterator[tuple[str, type[BaseModel]]]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield "", annotation
    elif origin in (Union, types.UnionType):
        for one in arguments:
            yield from _models_in(one)
    elif origin is list:
        yield from ((f"[]{part}", model) for part, model in _models_in(arguments[0]))
    elif origin is dict:
        yield from ((f".NAME{part}", model) for part, model in _models_in(arguments[1]))


def _models(model: type[BaseModel]) -> str:
    told = []
    for path, one in models_below(model).items():
        heading = f"## {path or 'the file'}" if path else "## The file"
        told.append(f"{heading}\n\n{_text((inspect.getdoc(one) or '').partition(chr(10) + chr(10))[0])}\n\n{_fields(one)}")
    return "\n\n".join(told)


def _fields(model: type[BaseModel]) -> str:
    rows = [[f"`{name}`", _escaped(field.description or ""), _wanted(field)] for name, field in model.model_fields.items()]
    return _table(["field", "what it says", "where left out"], rows)


def _wanted(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default is None:
        return "none"
    return "its defaults" if isinstance(default, BaseModel) else f"`{default}`"


# --- tables, estimands, errors, environment


def tables() -> str:
    """The tables of a run and of a set, with their columns."""
    axes = "`pop.<axis>` for each axis"
    with tempfile.TemporaryDirectory() as folder:
        write_queries([], Path(folder))
        write_responses([], Path(folder))
        of_queries, of_responses = (pq.read_schema(Path(folder) / name).names for name in (QUERIES, RESPONSES))
    told = [
        _title("Tables and files", "Parquet in a run, CSV or JSONL at the edge."),
        f"## queries.parquet\n\n{_names(of_queries)}; {axes}; `gate.<gate>` for each gate.",
        f"## responses.parquet\n\n{_names(of_responses)}.",
        f"## items.parquet, items.jsonl\n\n`item_id`, `scenario_id`, `query`, `response`; {axes} (in JSONL the mapping `populations`); where two "
        "responses are compared `second_response`; in JSONL `meta`. In a run an item's `item_id` is its `response_id`.",
        f"## ratings.parquet\n\n{_names(RATING_COLUMNS)}; where responses are compared {_names(ORDERS)}.",
        f"## A table of ratings of your own\n\nRequired: {_names(REQUIRED)}. Optional: {_names(OPTIONAL)}; {axes} of the item; "
        "`rater.<attribute>` of the rater.",
        f"## ratings.csv of a set\n\n{_names(SET_RATING_COLUMNS)}. Beside it `raters.csv`: `rater_id`, then a column for each attribute.",
        f"## Reasons of missing ratings\n\n{_names(MISSING_REASONS)}. None is ever a number.",
        "## Files of a run\n\n"
        + _table(
            ["file", "what it holds"],
            [
                ["`manifest.json`", "fingerprints, versions, seeds and the command"],
                ["`journal.sqlite`", "each reply as it landed"],
                ["`program.json`", "the judge program: the rubric, prompts and schemas"],
                ["`study.yaml`, `design.json`", "in a study: the file it was run from, and the plan of its arms"],
                ["`sampling.json`", "which items were drawn to be labelled, with which probabilities"],
                ["`planted.json`", "in a planted study: what is true by construction"],
                ["`*.parquet`", "the tables above"],
                ["`validation.json`, `estimation.json`", "what `validate` and `estimate` found, where they ran"],
                ["`report.html`, `report.md`, `report.json`", "the report, in three forms of one content"],
                ["`summary.md`", "the report's first screen alone"],
            ],
        ),
    ]
    return _joined(told)


ESTIMANDS: dict[str, tuple[str, str]] = {
    "alpha.human": ("agreement of humans with each other beyond chance (Krippendorff's alpha)", "alpha"),
    "alpha.judge_human": ("agreement of the judge with humans, on the same footing", "judge_alpha"),
    "agreement.human": ("share of pairs of raters that agree exactly", "pairwise_agreement"),
    "kappa.none|linear|quadratic": ("Cohen's kappa of the judge with each human, pooled over humans", "kappa"),
    "gwet.ac1|ac2_linear|ac2_quadratic": ("Gwet's coefficient, where nearly all ratings are one level", "gwet"),
    "icc.2_1|2_k": ("share of variance that is the items' own", "icc"),
    "rank_correlation.spearman|kendall": ("whether two ratings order the items alike", "rank_correlation"),
    "loo.human|judge|difference": ("distance to the mean of the other humans, of humans and of the judge", "leave_one_out"),
    "alt_test.winning_rate|advantage": ("whether the judge may take an annotator's place", "alt_test"),
    "judge_error": ("judge minus human, in scale points", "judge_error"),
    "judge_error_gap": ("judge error of a population minus that of the reference", "judge_error"),
    "dif.uniform|nonuniform": ("judge's log odds by population at equal human level", "differential_functioning"),
    "rater_alignment": ("with which raters the judge goes", "rater_alignment"),
    "rater_alignment_gap": ("the same, a rater group minus the reference group", "rater_alignment"),
    "missing_rate.<reason>": ("share of ratings missing for a reason", "missing_rate"),
    "refusal_rate": ("share of answers that are refusals", "rate_gap"),
    "refusal_rate_gap": ("the same, population minus reference", "rate_gap"),
    "mean.raw": ("mean of the judge's ratings", "disparity"),
    "mean.corrected": ("mean had humans rated every item", "disparity"),
    "gap.raw": ("gap of the judge's own ratings, population minus reference", "disparity"),
    "gap.corrected": ("gap that humans would find", "disparity"),
    "gap.corrected.given_merit": ("the same at equal merit", "disparity"),
    "gap.judge_made": ("raw minus corrected: what the judge made", "disparity"),
    "gap.missingness_bounds": ("how far missing ratings could move the gap; no confidence interval", "missingness_bounds"),
    "worst_population": ("largest corrected gap in the direction that harms", "worst_population"),
    "corrected_mean_spread": ("largest minus smallest corrected mean; descriptive", "worst_population"),
    "flip_rate": ("share of pairs of arms rated differently; `.placebo` and `.excess` beside it", "flip_rate"),
    "change": ("how far ratings move from arm to arm; `.placebo` and `.excess` beside it", "flip_rate"),
    "change.judge_error|absolute_error|alpha|missing|flips|judge_error_gap": (
        "new version of a judge minus the old one",
        "paired_change",
    ),
    "as_lived.gap|explained|unexplained": ("gap in the mix that real users ask, and its two parts", "oaxaca_blinder"),
    "as_lived.gap.raw|gap.corrected": ("the same gap by judge, and by humans", "oaxaca_blinder"),
    "sim_to_real.auc": ("whether simulated queries can be told from real ones", "distribution_shift"),
    "simulation.kept": ("share of scenarios kept whole", ""),
    "simulation.pass.<gate>": ("share of queries that pass a [gate](gates.md), by population", ""),
    "simulation.caricature_auc.<cue>": ("whether topics alone give the population away", ""),
    "alpha_ratio": ("alpha of judge with humans over alpha of humans, in comparisons", ""),
    "alpha_difference": ("difference of two judges' alpha, in comparisons", ""),
    "shift.auc": ("whether two sets of texts can be told apart", "distribution_shift"),
    "bradley_terry.ability|order|ties": ("who is preferred in pairs, in log odds", "bradley_terry"),
    "position_bias.inconsistent|first": ("verdicts on pairs that follow the order shown", "position_bias"),
    "panel.error_correlation": ("whether two judges err alike", "error_correlation"),
    "panel.error_correlation.mean": ("the same, over all pairs of judges", "error_correlation"),
    "panel.effective_judges": ("how many independent judges a panel is worth", "effective_judges"),
    "any_difference": ("whether populations differ at all", "any_difference"),
    "equivalence": ("a mean held against a tolerance on both sides", "equivalence"),
    "lens.<name>.*": ("what a [lens](lenses.md) sees", ""),
    "probe.<name>.*": ("what a [probe](probes.md) moves", ""),
}
"""Names of estimands, what each is, and the statistic that estimates it."""


def estimands() -> str:
    """Names of estimands as they stand in `report.json` and after `--json`."""
    intro = (
        "As they stand in `report.json` and after `--json`, each with value, low, high, level, criterion, population (or null for all items) and "
        "contrast (or null). A gap is always population minus reference."
    )
    rows = [
        [f"`{name}`".replace("|", "` `"), what, f"[`{function}`](statistics.md#{function})" if function else ""]
        for name, (what, function) in ESTIMANDS.items()
    ]
    return f"{_title('Estimand names', intro)}\n\n{_table(['name', 'what it is', 'statistic'], rows)}\n"


def of_errors() -> str:
    """Every class of error, what it means, and the exit code it ends with."""
    rows = [[f"`{one.__name__}`", _escaped((one.__doc__ or "").splitlines()[0]), str(one.exit_code)] for one in error_classes()]
    intro = "Each message says what was found, where, what was expected and what to do next. All are in `judgefair.errors`."
    return f"{_title('Errors', intro)}\n\n{_table(['class', 'meaning', 'exit code'], rows)}\n\n{_exit_codes()}\n"


def error_classes() -> list[type[errors.JudgefairError]]:
    """The base of all errors, then the others, in the order of the file."""
    return [one for _, one in _classes(errors) if issubclass(one, errors.JudgefairError)]


def _classes(module: Any) -> list[tuple[str, Any]]:
    return [(name, one) for name, one in vars(module).items() if inspect.isclass(one) and one.__module__ == module.__name__]


VARIABLES = {
    "OPENAI_API_KEY": "the key of a model server, unless `--key-env` or `--key-file` names another place",
    "JUDGEFAIR_HOME": "the folder of caches, fetched sets, models and ledgers, in place of the user's own cache folder",
    "JUDGEFAIR_DATA": "in tests: where the originals of the sets are",
    "JUDGEFAIR_FAULT_SEED": "in tests: repeats a failed run of the fault suite",
    "NO_COLOR": "any value: no colour in the terminal",
    "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY": "the proxy for requests, as elsewhere",
}


def environment() -> str:
    """Every environment variable that is read."""
    rows = [[f"`{name}`", what] for name, what in (VARIABLES | of_options()).items()]
    intro = "`judgefair doctor` says which of them are set, never what they hold."
    return f"{_title('Environment variables', intro)}\n\n{_table(['variable', 'what it does'], rows)}\n"


def of_options() -> dict[str, str]:
    """Variables that set options, with what the option does."""
    found: dict[str, str] = {}
    for _, command in commands():
        for parameter in command.params:
            if parameter.envvar:
                what = f"`{parameter.opts[0]}`, where the option is not given. {_escaped(parameter.help or '')}"
                found.setdefault(str(parameter.envvar), what)
    return dict(sorted(found.items()))


# --- Markdown


def _title(title: str, intro: str) -> str:
    return f"# {title}\n\n{intro}"


def _joined(told: Sequence[str]) -> str:
    return "\n\n".join(told) + "\n"


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
