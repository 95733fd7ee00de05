"""Do three scripted judges in four published contexts come out of one command? What the numbers are says nothing: the judges read nothing."""

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
from judgefair.rubric.rubric import Rubric
from tests.builders import planted_rubric

JUDGES = ("hash", "middle", "length")
NOMINAL = {"kind": "nominal", "levels": {"ans_0": "first", "ans_1": "second", "ans_2": "third"}}


def rubric_for(set_id: str) -> Rubric:
    """The shipped rubric whose criterion the set rates; for BBQ, which none does, one that asks for the option."""
    if set_id == "bbq_validation":
        return planted_rubric("a", "b", scale=NOMINAL, criteria=("answer",)).model_copy(update={"id": "reading"})
    return jf.load_rubric("chat_safety" if set_id == "dices_350" else "hateful_content")


@pytest.mark.slow
def test_three_judges_and_four_published_sets_are_compared_by_one_command(data_folder: Path, tmp_path: Path) -> None:
    runs = []
    for set_id in ("dices_350", "hatecheck", "bbq_validation", "crehate"):
        fetch_set(read_card(find_set(set_id) / "card.yaml"), data_folder)
        program, cset = jf.compile_judge(rubric_for(set_id)), jf.load_calibration_set(set_id)
        for name in JUDGES:
            runs.append(tmp_path / f"{set_id}-{name}")
            jf.validate(
                program, cset, jf.models.scripted(name), split="dev", limit=120, run=runs[-1], n_resamples=50, as_of="2026-01-01"
            )
    app = typer.Typer()
    comparing.register(app)
    done = CliRunner().invoke(app, [*map(str, runs), "--out", str(tmp_path / "out"), "--json"])
    assert done.exit_code == 0, done.exception
    data: dict[str, Any] = json.loads(done.stdout)
    assert [found["set_id"] for found in data["contexts"]] == ["dices_350", "hatecheck", "bbq_validation", "crehate"]
    assert [row["name"] for row in data["judges"]] == [f"scripted:{name}" for name in JUDGES]
    assert len(data["cells"]) == len(data["differences"]) == 12
    assert all(cell["human"]["value"] is not None and cell["ratio"]["n_items"] > 0 for cell in data["cells"])
    of_bbq = [difference for difference in data["differences"] if "bbq" in difference["context"]]
    assert all(difference["absolute_error"]["estimate"]["value"] is None for difference in of_bbq)  # options have no distances
    assert all("test" not in found["split"] for found in data["contexts"])
    assert (tmp_path / "out" / "comparison.html").is_file()
    assert "averaged over contexts" in (tmp_path / "out" / "comparison.md").read_text("utf-8")
