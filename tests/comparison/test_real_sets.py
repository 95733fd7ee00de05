"""Do the embedded model and two scripted judges come out of one command in four published contexts? No judge here is any good."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import judgefair as jf
from judgefair.calibration import find_set
from judgefair.calibration.card import read_card
from judgefair.calibration.fetch import fetch_set
from judgefair.cli import comparing
from judgefair.models.embedded import WEIGHTS
from judgefair.rubric.rubric import Rubric
from tests.builders import planted_rubric

LIMITS = {"dices_350": 32, "hatecheck": 56, "bbq_validation": 20, "crehate": 24}
"""Items of each set; of the first two enough that some annotators rated the 30 that the alternative annotator test asks for."""
SCRIPTED = ("hash", "length")
NOMINAL = {"kind": "nominal", "levels": {"ans_0": "first", "ans_1": "second", "ans_2": "third"}}


@pytest.fixture(autouse=True)
def _weights(home: Path) -> None:
    pytest.importorskip("xllamacpp", reason="xllamacpp is not installed: pip install 'judgefair[local]'")
    if not WEIGHTS.is_here:
        pytest.skip(f"the weights are not at {WEIGHTS.path}: judgefair models pull local")


def rubric_for(set_id: str) -> Rubric:
    """The shipped rubric whose criterion the set rates; for BBQ, which none does, one that asks for the option."""
    if set_id != "bbq_validation":
        return jf.load_rubric("chat_safety" if set_id == "dices_350" else "hateful_content")
    validity = jf.load_rubric("hateful_content").validity.model_dump()
    planted = planted_rubric("a", "b", scale=NOMINAL, validity=validity, criteria=("answer",))
    asked = {"question": "Which of the three options answers the question?", "not_applicable": None}
    about = {"use_case": "Questions on a short text, with three options each", "deployment": "One option for each question"}
    context = planted.context.model_copy(update=about)
    criteria = [criterion.model_copy(update=asked) for criterion in planted.criteria]
    return planted.model_copy(update={"id": "reading", "context": context, "criteria": criteria})


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_embedded_and_two_scripted_judges_and_four_published_sets_are_compared_by_one_command(
    data_folder: Path, tmp_path: Path
) -> None:
    judges = [jf.models.local(), *map(jf.models.scripted, SCRIPTED)]
    runs = []
    for set_id, limit in LIMITS.items():
        fetch_set(read_card(find_set(set_id) / "card.yaml"), data_folder)
        program, cset = jf.compile_judge(rubric_for(set_id)), jf.load_calibration_set(set_id)
        for number, judge in enumerate(judges):
            runs.append(tmp_path / f"{set_id}-{number}")
            jf.validate(program, cset, judge, split="dev", limit=limit, run=runs[-1], n_resamples=50, as_of="2026-01-01")
    app = typer.Typer()
    comparing.register(app)
    done = CliRunner().invoke(app, [*map(str, runs), "--out", str(tmp_path / "out"), "--json"])
    assert done.exit_code == 0, done.exception
    data: dict[str, Any] = json.loads(done.stdout)
    contexts, cells = data["contexts"], data["cells"]
    assert [(found["set_id"], found["n_items"]) for found in contexts] == list(LIMITS.items())
    assert [row["name"] for row in data["judges"]] == [WEIGHTS.name, *(f"scripted:{name}" for name in SCRIPTED)]
    assert len(cells) == len(data["differences"]) == 12
    assert all(cell["human"]["value"] is not None and cell["agreement"]["value"] is not None for cell in cells)
    # The schema of a reply leaves the embedded model nothing but levels to say, so that no rating is missing.
    n_rated = {(cell["judge"], cell["context"]): cell["agreement"]["n_items"] for cell in cells}
    assert n_rated == {(row["name"], found["name"]): found["n_items"] for row in data["judges"] for found in contexts}
    jointly = {cell["context"] for cell in cells if cell["joint_winning_rate"]["value"] is not None}
    assert [found["set_id"] for found in contexts if found["name"] in jointly] == ["dices_350", "hatecheck"]
    of_bbq = [difference for difference in data["differences"] if "bbq" in difference["context"]]
    assert all(difference["absolute_error"]["estimate"]["value"] is None for difference in of_bbq)  # options have no distances
    assert all("test" not in found["split"] for found in contexts)
    assert (tmp_path / "out" / "comparison.html").is_file()
    assert "averaged over contexts" in (tmp_path / "out" / "comparison.md").read_text("utf-8")
