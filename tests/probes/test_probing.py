"""Are versions judged once, is what was asked never asked again, and does every finding say whom it is about?"""

from collections import Counter
from dataclasses import replace
from math import isnan
from pathlib import Path

import pytest

from judgefair import plugins
from judgefair.compile import compile_judge
from judgefair.errors import InputError
from judgefair.models.budget import Budget
from judgefair.probes import Probed, probe, read_probes
from judgefair.probes.padding import SENTENCES
from judgefair.runs.folder import read_json
from judgefair.statistics.estimate import Estimate
from tests.builders import planted_rubric
from tests.probes.judges import Asked, Draw, MadeUpJudge, made_up_items, made_up_program, says

PROGRAM, ITEMS = made_up_program(), made_up_items(24)
A_VERSION = 2 * len(ITEMS)  # calls: two criteria, each asked by itself
PADDED = says({SENTENCES[0]: 1.0})


def estimate(of: Probed, name: str, criterion: str = "depth", population: dict[str, str] | None = None) -> Estimate:
    (found,) = (
        finding.estimate
        for finding in of.findings
        if (finding.estimate.estimand, finding.criterion, finding.population)
        == (f"probe.{of.name}.{name}", criterion, population)
    )
    return found


def test_the_second_time_nothing_is_asked_and_the_same_is_found(tmp_path: Path) -> None:
    names = ["injection", "level_order", "padding", "retest", "user_cue"]
    judge = MadeUpJudge(PADDED, is_fickle=True)
    first = probe(PROGRAM, ITEMS, judge, tmp_path, names=names, use_cache=False)
    # as they are; two versions each of padding, injection and level_order; three of user_cue; two replies for retest
    assert judge.n_calls == A_VERSION * (1 + 2 + 2 + 2 + 3 + 2)
    again = probe(PROGRAM, ITEMS, judge, tmp_path, names=names, use_cache=False)
    assert judge.n_calls == A_VERSION * 12
    read = read_probes(tmp_path, PROGRAM.fingerprint, judge.name)
    assert [of.to_json() for of in again] == [of.to_json() for of in first] == [of.to_json() for of in read]


def test_a_further_probe_uses_the_ratings_of_the_items_as_they_are(tmp_path: Path) -> None:
    judge = MadeUpJudge()
    probe(PROGRAM, ITEMS, judge, tmp_path, names=["padding"], use_cache=False)
    assert judge.n_calls == 3 * A_VERSION
    probe(PROGRAM, ITEMS, judge, tmp_path, names=["injection"], use_cache=False)
    assert judge.n_calls == 5 * A_VERSION


def test_what_another_probe_found_of_the_same_items_stays_and_of_others_goes(tmp_path: Path) -> None:
    def held() -> list[str]:
        return [of.name for of in read_probes(tmp_path, PROGRAM.fingerprint, judge.name)]

    judge = MadeUpJudge()
    for name in ("padding", "injection", "padding"):
        assert [of.name for of in probe(PROGRAM, ITEMS, judge, tmp_path, names=[name])] == [name]
    assert held() == ["injection", "padding"]
    probe(PROGRAM, ITEMS[:6], judge, tmp_path, names=["retest"])
    assert held() == ["retest"]


def test_versions_that_two_probes_share_are_paid_once(tmp_path: Path) -> None:
    # The layout of the prompt is the placebo of both: its replies come from the cache the second time.
    judge = MadeUpJudge()
    probe(PROGRAM, ITEMS, judge, tmp_path, names=["level_order", "paraphrase"])
    assert judge.n_calls == 4 * A_VERSION


def test_all_that_is_there_is_put_to_the_judge_and_what_cannot_be_says_why(tmp_path: Path) -> None:
    told = []
    judge = MadeUpJudge()
    found = probe(PROGRAM, ITEMS, judge, tmp_path, on_progress=lambda where, _: told.append(where))
    assert [of.name for of in found] == plugins.names("probes")
    assert {of.name for of in found if of.reason} == {"position"}
    assert all((of.reason == "") == bool(of.findings) for of in found)
    assert {"as_they_are", "padding, changed", "retest, sampled"} <= set(told)
    assert all(of.question.endswith("?") and of.change and of.placebo for of in found)


def test_what_was_found_is_told_by_criterion_and_population_with_gaps(tmp_path: Path) -> None:
    def bias(asked: Asked, draw: Draw) -> float:
        """A fifth of a level for padding, one level where the shelf is odd: the responses to b."""
        shelf = int(asked.text.partition("on shelf ")[2].partition(",")[0])
        return (0.2 + 0.8 * (shelf % 2)) * (SENTENCES[0] in asked.text)

    (found,) = probe(PROGRAM, made_up_items(200), MadeUpJudge(bias), tmp_path, names=["padding"])
    names = [f"probe.padding.{name}" for name in ("change", "placebo", "excess")]
    gap = "probe.padding.excess_gap"
    expected = [("", "", name) for name in names] + [("a", "", name) for name in names] + [("b", "", name) for name in names]
    expected.append(("b", "a", gap))
    for criterion in ("depth", "clarity"):
        of = [finding for finding in found.findings if finding.criterion == criterion]
        told = [tuple((about or {}).get("dialect", "") for about in (f.population, f.contrast)) for f in of]
        assert Counter((*who, f.estimate.estimand) for who, f in zip(told, of, strict=True)) == Counter(expected)
    assert estimate(found, "excess", population={"dialect": "a"}).value == pytest.approx(0.2, abs=0.3)
    assert estimate(found, "excess", population={"dialect": "b"}).value == pytest.approx(1, abs=0.3)
    assert estimate(found, "excess_gap", population={"dialect": "b"}).value == pytest.approx(0.8, abs=0.4)
    overall = estimate(found, "excess")
    assert overall.value == pytest.approx(estimate(found, "change").value - estimate(found, "placebo").value, abs=1e-12)
    assert (overall.n_items, overall.n_clusters, overall.n_missing) == (200, 100, 0)


def test_an_item_counts_for_the_population_that_the_probe_put_in_and_not_for_its_own(tmp_path: Path) -> None:
    (found,) = probe(PROGRAM, ITEMS, MadeUpJudge(), tmp_path, names=["user_cue"])
    shown = Counter(finding.population["dialect"] for finding in found.findings if finding.population)
    assert set(shown) == {"b", "c"}
    assert estimate(found, "excess", population={"dialect": "c"}).n_items == 12
    assert not any(finding.contrast for finding in found.findings)


def test_a_rating_that_is_missing_is_counted_and_is_no_number(tmp_path: Path) -> None:
    def mute(asked: Asked) -> bool:
        return SENTENCES[0] in asked.text and ("on shelf 3," in asked.text or "on shelf 4," in asked.text)

    (found,) = probe(PROGRAM, ITEMS, MadeUpJudge(PADDED, mute=mute), tmp_path, names=["padding"])
    assert (estimate(found, "change").n_items, estimate(found, "change").n_missing) == (22, 2)
    assert (estimate(found, "placebo").n_items, estimate(found, "placebo").n_missing) == (24, 0)
    assert estimate(found, "excess").n_missing == 2
    (silenced,) = probe(
        PROGRAM, ITEMS, MadeUpJudge(mute=lambda asked: SENTENCES[0] in asked.text), tmp_path / "other", names=["padding"]
    )
    assert isnan(estimate(silenced, "excess").value)
    assert estimate(silenced, "excess").method == "undefined: no item has both ratings"


def test_a_budget_that_ends_leaves_ratings_missing_and_the_same_call_goes_on(tmp_path: Path) -> None:
    judge = MadeUpJudge()
    short = probe(PROGRAM, ITEMS, judge, tmp_path, names=["padding"], budget=Budget(max_calls=2 * A_VERSION), use_cache=False)
    assert judge.n_calls == 2 * A_VERSION
    assert estimate(short[0], "placebo").n_missing == len(ITEMS)
    whole = probe(PROGRAM, ITEMS, judge, tmp_path, names=["padding"], use_cache=False)
    assert judge.n_calls == 3 * A_VERSION
    assert estimate(whole[0], "placebo").n_missing == 0


ANOTHER = '''"""Is a response rated otherwise in capitals?"""

from dataclasses import replace

from judgefair.probes import Trial, Version

QUESTION = "Is a response rated otherwise in capitals?"
CHANGE = "capitals"
PLACEBO = "none"
IS_DIRECTED = True


def make(material):
    return Trial(Version([replace(item, response="QUALITY! " + item.response) for item in material.answered]), None)
'''


def test_a_probe_of_another_package_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in_capitals.py").write_text(ANOTHER)
    about = tmp_path / "in_capitals-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: in-capitals\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[judgefair.probes]\ncapitals = in_capitals\n")
    assert "capitals" not in plugins.names("probes")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "capitals" in plugins.names("probes")
    (found,) = probe(PROGRAM, ITEMS, MadeUpJudge(says({"QUALITY!": 1.0})), tmp_path / "out", names=["capitals"])
    assert found.question == "Is a response rated otherwise in capitals?"
    excess = estimate(found, "excess")
    assert excess.value == estimate(found, "change").value
    assert "no placebo" in excess.method
    assert estimate(found, "placebo").method == "undefined: there is no change that means nothing to compare with"


def test_an_unknown_probe_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'paddding' is not one of the probes\. Did you mean 'padding'\? Known: halo, "):
        probe(PROGRAM, ITEMS, MadeUpJudge(), tmp_path / "out", names=["paddding"])
    assert not (tmp_path / "out").exists()


def test_without_items_or_with_repeated_ids_nothing_is_asked(tmp_path: Path) -> None:
    for items, told in (([], "there are no items to probe with"), (ITEMS + ITEMS[:1], "ids of the items repeat")):
        with pytest.raises(InputError, match=told):
            probe(PROGRAM, items, MadeUpJudge(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_on_a_scale_without_distances_no_probe_says_anything(tmp_path: Path) -> None:
    program = compile_judge(planted_rubric("a", "b", scale={"kind": "nominal", "levels": {"x": "One", "y": "Two", "z": "Three"}}))
    judge = MadeUpJudge()
    found = probe(program, ITEMS, judge, tmp_path / "out", names=["padding"])
    assert found[0].reason.startswith("no criterion is on a scale whose levels have a distance")
    assert judge.n_calls == 0
    assert read_probes(tmp_path / "out", program.fingerprint, judge.name) == found


def test_what_was_found_of_another_judge_or_program_is_not_read(tmp_path: Path) -> None:
    judge = MadeUpJudge()
    assert read_probes(tmp_path, PROGRAM.fingerprint, judge.name) == []
    probe(PROGRAM, ITEMS, judge, tmp_path, names=["padding"])
    assert len(read_probes(tmp_path, PROGRAM.fingerprint, judge.name)) == 1
    assert read_probes(tmp_path, PROGRAM.fingerprint, "another") == []
    assert read_probes(tmp_path, "f" * 64, judge.name) == []


def test_findings_that_cannot_be_read_are_told_with_what_to_do(tmp_path: Path) -> None:
    judge = MadeUpJudge()
    probe(PROGRAM, ITEMS, judge, tmp_path, names=["padding"])
    path = tmp_path / "probes.json"
    assert read_json(path)["judge"] == judge.name
    path.write_text(path.read_text("utf-8").replace('"question"', '"asks"'), "utf-8")
    with pytest.raises(InputError, match=r"probes\.json: cannot be read .* Run judgefair probe again"):
        read_probes(tmp_path, PROGRAM.fingerprint, judge.name)


def test_half_a_character_in_a_text_stops_nothing(tmp_path: Path) -> None:
    items = [*ITEMS[1:], replace(ITEMS[0], response=f"\ud83d {ITEMS[0].response}")]
    (found,) = probe(PROGRAM, items, MadeUpJudge(), tmp_path, names=["padding"])
    assert estimate(found, "change").n_items == len(ITEMS)
