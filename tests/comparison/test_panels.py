"""Do judges together give what their ratings come to, for as many judges as err independently, and nothing pooled over populations?"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import krippendorff
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import judgefair as jf
from judgefair.comparison import Comparison, compare, comparison_document, comparison_report, write_comparison
from judgefair.comparison.panels import PanelFindings, ways
from judgefair.reporting.blocks import Table, Text, number
from judgefair.runs.folder import read_manifest, write_manifest
from judgefair.statistics import effective_judges
from judgefair.validation import save_validation
from tests.builders import planted_items, planted_ratings, planted_rubric, planted_validation
from tests.comparison.conftest import SETS, World, context

NAN = float("nan")
MANY = 600


def compared(
    folder: Path,
    judges: Mapping[str, Sequence[object]],
    humans: Mapping[str, Sequence[object]],
    scale: str = "interval:-10-10",
    n_resamples: int = 100,
    **populations: Sequence[str],
) -> Comparison:
    """Judges of one made-up table; None is no rating."""
    rows = [
        {
            "item_id": f"i{i:04}", "rater_id": who, "rater_kind": kind, "value": "" if value is None else value,
            "missing": "refused" if value is None else "", **{f"pop.{axis}": groups[i] for axis, groups in populations.items()},
        }
        for kind, said in (("judge", judges), ("human", humans))
        for who, values in said.items()
        for i, value in enumerate(values)
    ]  # fmt: skip
    folders = []
    for place, judge in enumerate(judges):
        validation = jf.validate_ratings(pd.DataFrame(rows), judge, scale, n_resamples=5, as_of="2026-01-01")
        save_validation(validation, folder / str(place))
        folders.append(folder / str(place))
    return compare(folders, n_resamples=n_resamples)


def overall(found: Comparison) -> PanelFindings:
    (panel,) = found.panels
    return panel.find()


def test_judges_are_combined_and_held_against_the_humans_by_hand(tmp_path: Path) -> None:
    # Humans' means 1.5, 2, 4, 5, 1. Means of the judges 4/3, 3, 4, 3: distances 1/6, 1, 0, 2. Medians 1, 3, 4, 3: 1/2, 1, 0, 2.
    # Majorities 1, tie, 4, tie: 1/2, 0. The last item has one judge of three.
    judges = {"x": [1, 2, 4, 3, 1], "y": [1, 3, 4, 5, None], "z": [2, 4, 4, 1, None]}
    humans = {"ann": [1, 2, 4, 5, 1], "bob": [2, 2, 4, 5, 1]}
    found = overall(compared(tmp_path, judges, humans, "ordinal:1-5"))
    mean, median, majority = found.combined
    assert [each.combine for each in found.combined] == ["mean", "median", "majority"]
    assert mean.absolute_error.value == pytest.approx((1 / 6 + 1 + 0 + 2) / 4)
    assert median.absolute_error.value == pytest.approx((1 / 2 + 1 + 0 + 2) / 4)
    assert majority.absolute_error.value == pytest.approx((1 / 2 + 0) / 2)
    assert [(each.n_tied, each.n_missing) for each in found.combined] == [(0, 1), (0, 1), (2, 1)]
    assert [each.agreement.n_items for each in found.combined] == [4, 4, 2]
    assert found.alone["x"].value == pytest.approx((1 / 2 + 0 + 0 + 2 + 0) / 5)


def test_agreement_is_that_of_the_published_package(tmp_path: Path) -> None:
    # krippendorff 0.9.0; with one human alpha of panel and human is the ordinary one of two raters. The mean takes interval distances.
    rng = np.random.default_rng(0)
    human = rng.integers(1, 6, 60)
    said = {name: np.clip(human + rng.integers(-1, 2, 60), 1, 5) for name in "xyz"}
    found = overall(compared(tmp_path, {k: v.tolist() for k, v in said.items()}, {"ann": human.tolist()}, "ordinal:1-5"))
    three = np.stack([*said.values()])
    made = {
        "mean": (three.mean(axis=0), "interval"),
        "median": (np.median(three, axis=0), "ordinal"),
        "majority": (np.array([_only_mode(column) for column in three.T]), "ordinal"),
    }
    for each in found.combined:
        rating, level = made[each.combine]
        expected = krippendorff.alpha(np.stack([rating, human]), level_of_measurement=level)
        assert each.agreement.value == pytest.approx(expected)
        assert each.agreement.estimand == f"panel.alpha.{each.combine}"
        assert ("interval distances" in each.agreement.method) == (each.combine == "mean")
        assert "judges fixed" in each.agreement.method


def _only_mode(column: np.ndarray) -> float:
    levels, counts = np.unique(column, return_counts=True)
    return float(levels[counts.argmax()]) if (counts == counts.max()).sum() == 1 else NAN


def test_a_mean_of_many_values_is_read_in_steps_too_small_to_matter(tmp_path: Path) -> None:
    # Krippendorff by hand, of the means as they are: with one human an item, 1 less the mean squared difference of the pairs over that
    # of any two of all values, which is twice their variance.
    rng = np.random.default_rng(7)
    human = rng.integers(-3, 4, 1200).astype(float)
    said = {name: np.clip(human + rng.normal(0, 1, 1200), -10, 10) for name in "xy"}
    found = overall(compared(tmp_path, {k: v.tolist() for k, v in said.items()}, {"ann": human.tolist()}, n_resamples=20))
    mean = (said["x"] + said["y"]) / 2
    expected = 1 - ((mean - human) ** 2).mean() / (2 * np.concatenate([mean, human]).var(ddof=1))
    assert [each.agreement.value for each in found.combined] == pytest.approx([expected, expected], abs=1e-4)


def test_the_interval_of_a_distance_is_the_t_interval_over_items(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    judges = {name: rng.normal(0, 1, 30).tolist() for name in "xy"}
    mean = overall(compared(tmp_path, judges, {"ann": [0.0] * 30})).combined[0].absolute_error
    distance = np.abs(np.stack([*judges.values()]).mean(axis=0))
    expected = stats.ttest_1samp(distance, 0).confidence_interval(0.95)
    assert (mean.low, mean.high) == pytest.approx((expected.low, expected.high))


def test_the_interval_of_a_distance_holds_no_distance_that_cannot_be(tmp_path: Path) -> None:
    # On -10 to 10. Two items, 0 and 20 from their human: t intervals of so few go far beyond both ends.
    (mean, *_) = overall(compared(tmp_path, {"x": [10, -10], "y": [10, -10]}, {"ann": [10, 10]})).combined
    assert (mean.absolute_error.low, mean.absolute_error.value, mean.absolute_error.high) == (0, 10, 20)


def test_errors_that_go_together_are_told_by_pair_and_name(tmp_path: Path) -> None:
    # Errors 1, -1, 1, -1 and 1, -1, -1, 1 are uncorrelated, which makes two judges of two; the third errs as the first does.
    judges = {"x": [4, 2, 4, 2], "y": [4, 2, 2, 4], "z": [4, 2, 4, 2]}
    found = overall(compared(tmp_path, judges, {"ann": [3] * 4}))
    assert {pair: round(estimate.value, 9) for pair, estimate in found.by_pair.items()} == {
        ("x", "y"): 0,
        ("x", "z"): 1,
        ("y", "z"): 0,
    }
    assert found.correlation.value == pytest.approx(1 / 3)
    assert found.effective.value == pytest.approx(3 / (1 + 2 / 3))  # n / (1 + (n - 1) rho), variances being equal


def test_judges_that_say_the_same_count_for_one(tmp_path: Path) -> None:
    said = np.random.default_rng(2).normal(0, 1, 40).tolist()
    found = overall(compared(tmp_path, {"x": said, "y": said, "z": said}, {"ann": [0.0] * 40}))
    assert found.effective.value == 1
    assert found.correlation.value == pytest.approx(1)


def test_judges_that_err_independently_count_for_as_many_as_they_are_whatever_humans_err(tmp_path: Path) -> None:
    # The humans' error is in every judge's error; it is taken out by what the humans of an item differ by.
    rng = np.random.default_rng(3)
    true = rng.normal(0, 1, MANY)
    judges = {name: (true + rng.normal(0, 1, MANY)).tolist() for name in "wxyz"}
    humans = {name: (true + rng.normal(0, 1, MANY)).round(1).tolist() for name in ("ann", "bob")}
    found = overall(compared(tmp_path, judges, humans))
    assert found.effective.low <= 4 <= found.effective.high
    assert found.effective.value == pytest.approx(4, abs=0.6)
    assert found.correlation.value == pytest.approx(0, abs=0.08)
    assert "taken out" in found.effective.method
    left_in = effective_judges(np.array([*judges.values()]), np.array([*humans.values()]).mean(axis=0))
    assert left_in.value < 2.5


def test_one_human_an_item_tells_nothing_of_the_humans_error_and_that_is_said(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    judges = {name: rng.normal(0, 1, 50).tolist() for name in "xy"}
    found = overall(compared(tmp_path, judges, {"ann": rng.normal(0, 1, 50).round(1).tolist()}))
    assert all("the error of the human mean not taken out" in each.method for each in (found.effective, found.correlation))


def test_each_population_has_its_own_numbers(tmp_path: Path) -> None:
    # In population a judges err alike, in b independently; the humans of b alone tell of the humans' error there.
    rng = np.random.default_rng(5)
    groups = ["ab"[i % 2] for i in range(MANY)]
    is_a = np.array(groups) == "a"
    shared = rng.normal(0, 1, MANY)
    judges = {name: np.where(is_a, shared, rng.normal(0, 1, MANY)) + rng.normal(0, 0.1, MANY) for name in "xyz"}
    humans = {name: np.where(is_a, 0.0, rng.normal(0, 0.5, MANY)).round(1) for name in ("ann", "bob")}
    found = compared(
        tmp_path, {k: v.tolist() for k, v in judges.items()}, {k: v.tolist() for k, v in humans.items()}, dialect=groups
    )  # fmt: skip
    (panel,) = found.panels
    assert [each.population for each in panel.findings] == [None, {"dialect": "a"}, {"dialect": "b"}]
    a, b = panel.find({"dialect": "a"}), panel.find({"dialect": "b"})
    assert (a.n_items, b.n_items) == (MANY // 2, MANY // 2)
    assert a.effective.value < 1.1
    assert b.effective.low <= 3 <= b.effective.high
    assert a.correlation.low > 0.9
    assert b.correlation.high < 0.3
    # By hand: the population's items alone, with the variance of its own pairs of humans over 2.
    three, pair = np.array([*judges.values()])[:, ~is_a], np.array([*humans.values()])[:, ~is_a]
    within = float(((pair[0] - pair[1]) ** 2).mean() / 2)
    alone = effective_judges(three, pair.mean(axis=0), human_error_variance=within / 2)
    assert b.effective.value == pytest.approx(alone.value)
    with pytest.raises(KeyError, match="no findings"):
        panel.find({"dialect": "c"})


def test_names_have_a_majority_and_no_errors(tmp_path: Path) -> None:
    judges = {"x": list("aabbc"), "y": list("abbbc"), "z": list("acbac")}
    found = compared(tmp_path, judges, {"ann": list("aabbc"), "bob": list("acbbc")}, "nominal:a,b,c")
    (majority,) = overall(found).combined
    assert (majority.combine, majority.n_tied, majority.agreement.n_items) == ("majority", 1, 4)
    # Krippendorff by hand: with the panel a, b, b, c the humans agree on every pair.
    assert majority.agreement.value == 1
    undefined = [majority.absolute_error, overall(found).correlation, overall(found).effective, *overall(found).by_pair.values()]
    assert all("nominal scale has no distances" in each.method and not each.is_defined for each in undefined)
    told = texts(found)
    assert sum("nominal scale has no distances" in text for text in told) == 1


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ("ordinal:1-5", ("mean", "median", "majority")),
        ("pairwise:a,b,tie", ("mean", "median", "majority")),
        ("interval:0-10", ("mean", "median")),
        ("binary", ("mean", "majority")),
        ("nominal:a,b", ("majority",)),
    ],
)
def test_a_scale_is_combined_in_the_ways_that_mean_something_on_it(scale: str, expected: tuple[str, ...]) -> None:
    assert ways(jf.parse_scale(scale)) == expected


def test_a_reason_names_the_judge_and_not_its_place(tmp_path: Path) -> None:
    judges = {"judge 1": [4, 4, 4, 4], "x": [3, 4, 2, 3]}
    found = overall(compared(tmp_path, judges, {"ann": [3] * 4}))
    assert not found.by_pair["judge 1", "x"].is_defined
    assert "the errors of judge 1 are all 1" in found.by_pair["judge 1", "x"].method
    assert "judge 1 and x: the errors of judge 1 are all 1" in found.correlation.method


def test_a_judge_without_a_rating_sits_on_no_panel(tmp_path: Path) -> None:
    judges = {"x": [1, 2, 3, 4], "y": [2, 2, 3, 5], "none": [None] * 4}
    found = compared(tmp_path, judges, {"ann": [1, 2, 3, 3]})
    (panel,) = found.panels
    assert (panel.judges, panel.left_out) == (["x", "y"], ["none"])
    assert any("on no panel: none" in text for text in texts(found))


def test_one_judge_is_no_panel(tmp_path: Path) -> None:
    found = compared(tmp_path, {"x": [1, 2, 3, 4]}, {"ann": [1, 2, 3, 3]})
    assert found.panels == []
    assert "panels" not in [section.id for section in comparison_report(found).sections]


def test_judges_of_one_family_are_told_of(tmp_path: Path) -> None:
    said = {"gpt-4o": [1, 2, 3, 5], "openai/gpt-4o-mini": [1, 3, 3, 4], "claude-3-haiku": [2, 2, 3, 4], "reader": [1, 2, 4, 4]}
    found = compared(tmp_path, said, {"ann": [1, 2, 3, 4]})
    (panel,) = found.panels
    assert panel.kin == {"OpenAI GPT": ["gpt-4o", "openai/gpt-4o-mini"]}
    (note,) = found.notes
    assert "gpt-4o and openai/gpt-4o-mini are of one family (OpenAI GPT)" in note
    assert "errors are likely to be shared" in note
    assert note in texts(found)


def test_judges_of_no_known_family_are_not(world: World) -> None:
    found = compare(world.folders, n_resamples=20)
    assert [panel.kin for panel in found.panels] == [{}] * len(SETS)
    assert not any("family" in note for note in found.notes)


def test_a_panel_sits_in_one_context_and_its_numbers_are_those_of_its_scenarios(world: World) -> None:
    found = compare(world.folders, n_resamples=20)
    assert [panel.context for panel in found.panels] == [context(name) for name in SETS]
    for panel in found.panels:
        n_clusters = 50 if panel.context in {context("shelves"), context("desks")} else 100
        for estimate in panel.find().estimates():
            assert estimate.n_clusters <= n_clusters
        assert panel.find().effective.n_clusters == n_clusters
        assert [each.population for each in panel.findings] == [None, {"dialect": "a"}, {"dialect": "b"}]


def test_the_report_shows_every_number_and_the_document_holds_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    judges = {name: rng.integers(1, 6, 40).tolist() for name in ("x", "y", "z <b>")}
    humans = {name: rng.integers(1, 6, 40).tolist() for name in ("ann", "bob")}
    found = compared(tmp_path, judges, humans, "ordinal:1-5", dialect=["ab"[i % 2] for i in range(40)])
    report = comparison_report(found)
    section = next(section for section in report.sections if section.id == "panels")
    shown = {cell.text for block in section.blocks if isinstance(block, Table) for row in block.rows for cell in row}
    (panel,) = found.panels
    for each in panel.findings:
        for estimate in (*each.estimates(), *each.by_pair.values(), *each.alone.values()):
            assert number(estimate).text in shown
    document = json.loads(json.dumps(comparison_document(found, report), allow_nan=False))
    assert [row["population"] for row in document["panels"][0]["findings"]] == [None, {"dialect": "a"}, {"dialect": "b"}]
    flat = [row for row in document["estimates"] if row["estimand"] == "panel.effective_judges"]
    assert [(row["judge"], row["population"]) for row in flat] == [
        ("panel(x, y, z <b>)", population) for population in (None, {"dialect": "a"}, {"dialect": "b"})
    ]
    pairs = [row for row in document["estimates"] if row["estimand"] == "panel.error_correlation" and row["population"] is None]
    assert [(row["judge"], row["against"]) for row in pairs] == [("x", "y"), ("x", "z <b>"), ("y", "z <b>")]
    page = write_comparison(found, tmp_path / "out").read_text("utf-8")
    assert "Judges together" in page
    assert "z <b>" not in page
    told = " ".join(texts(found))
    assert all(words in told for words in ("judges are taken as fixed", "no cure for a bias", "judges of one family"))


def texts(found: Comparison) -> list[str]:
    (section,) = [section for section in comparison_report(found).sections if section.id == "panels"]
    return [block.text for block in section.blocks if isinstance(block, Text)]


# Judge and system


def test_a_judge_of_its_system_s_family_is_noted(tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b")
    items = planted_items(rubric, 20)
    for name in ("gpt-4o", "claude-3-haiku"):
        run = tmp_path / name
        planted_validation(run, rubric, items, planted_ratings(items), judge=name)
        system = {"id": "tutor", "kind": "chat", "model": "gpt-4o-mini", "fingerprint": "f" * 64}
        write_manifest(run, read_manifest(run) | {"system": system})
    notes = compare([tmp_path / "gpt-4o", tmp_path / "claude-3-haiku"], n_resamples=20).notes
    (note,) = [note for note in notes if "family" in note]
    assert "The judge gpt-4o and the system tutor (gpt-4o-mini) are of one model family (OpenAI GPT)" in note
