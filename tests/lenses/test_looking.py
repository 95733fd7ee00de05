"""Does every lens look at a run, each with its bounds in words, and does one from elsewhere join them without a change here?"""

import json
import sys
from pathlib import Path

import pytest

from judgefair import plugins
from judgefair.errors import InputError
from judgefair.lenses import Lensed, look_through
from tests.lenses.seeing import arms, rated, rubric_with, seen

THEIRS = """
from judgefair.lenses import DoesNotExtend, Look
from judgefair.statistics.estimate import Estimate
from judgefair.statistics.finding import Finding

FRAMEWORK, SOURCE = "Counting: nobody is left out.", "made up"
CAN, CANNOT = "How many items there are.", "Anything else."


def look(seen):
    if len(seen.facts) < 3:
        raise DoesNotExtend("there are fewer than three items")
    counted = Estimate("lens.counting.items", float(len(seen.facts)), method="counted")
    return Look([Finding("all", None, None, counted)], ["There are items."])
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of somebody else's that has a lens, as pip leaves it."""
    (tmp_path / "their_lens.py").write_text(THEIRS, "utf-8")
    about = tmp_path / "their_lens-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: their-lens\nVersion: 1.0\n", "utf-8")
    (about / "entry_points.txt").write_text("[judgefair.lenses]\ncounting = their_lens\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "their_lens", raising=False)


def small(n: int = 4):
    items = arms(n)
    return seen(items, rated(items, [3, 4] * n), rubric_with())


def test_a_lens_of_another_package_is_looked_through_with_the_others(installed: None) -> None:
    assert "counting" in plugins.names("lenses")
    (lensed,) = [one for one in look_through(small()) if one.name == "counting"]
    assert (lensed.framework, lensed.can, lensed.cannot) == (
        "Counting: nobody is left out.",
        "How many items there are.",
        "Anything else.",
    )
    assert [finding.estimate.value for finding in lensed.findings] == [8.0]
    assert (lensed.reason, list(lensed.says)) == ("", ["There are items."])


def test_a_lens_that_does_not_extend_is_there_with_its_reason(installed: None) -> None:
    (lensed,) = look_through(small(1), ["counting"])
    assert (lensed.reason, list(lensed.findings), list(lensed.says)) == ("there are fewer than three items", [], [])


def test_without_that_package_there_is_no_such_lens() -> None:
    assert "counting" not in plugins.names("lenses")


def test_an_unknown_lens_is_an_input_error_that_names_a_near_one() -> None:
    with pytest.raises(InputError, match=r"'group_party' is not one of the lenses. Did you mean 'group_parity'\?"):
        look_through(small(), ["group_party"])


def test_every_lens_computes_or_refuses_and_says_what_it_can_and_cannot_claim() -> None:
    found = look_through(small(20))
    assert [lensed.name for lensed in found] == plugins.names("lenses")
    for lensed in found:
        assert bool(lensed.reason) != bool(lensed.findings), lensed.name
        assert all((lensed.framework, lensed.source, lensed.can, lensed.cannot)), lensed.name
        for finding in lensed.findings:
            assert finding.estimate.estimand.startswith(f"lens.{lensed.name}.")
            assert finding.estimate.method


def test_what_a_lens_saw_is_plain_data_and_comes_back() -> None:
    for lensed in look_through(small(20)):
        text = json.dumps(lensed.to_json(), allow_nan=False)
        assert json.dumps(Lensed.from_json(json.loads(text)).to_json(), allow_nan=False) == text
