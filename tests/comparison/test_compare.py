"""Does a comparison say of each context what its runs bear, of pairs what the same items bear, and nothing of all contexts together?"""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

import judgefair as jf
from judgefair.comparison import Comparison, compare
from judgefair.comparison.held import read_run
from judgefair.comparison.rated import Rated, rated_criteria
from judgefair.errors import InputError
from judgefair.estimation import estimate
from judgefair.models.stand_ins import scripted
from judgefair.runs import judge as judge_items
from judgefair.statistics import judge_error
from judgefair.validation import load_validation, save_validation
from tests.builders import planted_items, planted_ratings, planted_rubric, planted_run, planted_validation, without_humans
from tests.comparison.conftest import (
    N_ITEMS,
    NAMES,
    RATERS,
    SETS,
    World,
    context,
    ratings_of,
    reader,
    rubric_of,
    set_of,
    validated,
)


@pytest.fixture(scope="session")
def compared(world: World) -> Comparison:
    return compare(world.folders, n_resamples=400)


def rated(world: World, name: str, judge: str) -> Rated:
    return rated_criteria(load_validation(world.runs[name, judge]))["depth"]


# The matrix


def test_every_judge_has_a_cell_in_every_context(compared: Comparison, world: World) -> None:
    assert [found.name for found in compared.contexts] == [context(name) for name in SETS]
    assert [found.name for found in compared.judges] == [f"scripted:{name}" for name in NAMES]
    assert len(compared.cells) == 12
    for name, judge in world.runs:
        cell = compared.find(f"scripted:{judge}", context(name), "depth")
        assert cell is not None
        assert cell.run == str(world.runs[name, judge])
    assert compared.find("scripted:careful", context("shelves"), "tone") is None
    assert compared.as_of == "2026-01-01"


def test_a_cell_has_the_numbers_of_its_validation(compared: Comparison, world: World) -> None:
    for (name, judge), run in world.runs.items():
        cell = compared.find(f"scripted:{judge}", context(name), "depth")
        validation = load_validation(run)
        assert cell is not None
        assert cell.agreement == validation.find("alpha.judge_human", "depth")
        assert cell.human == validation.find("alpha.human", "depth")
        assert cell.winning_rate.value == validation.find("alt_test.winning_rate", "depth").value
        assert cell.ratio.value == pytest.approx(cell.agreement.value / cell.human.value)
        assert (cell.ratio.n_items, cell.ratio.n_raters) == (N_ITEMS, 4)
        assert sum(cell.gate.values()) == sum(check.criterion == "depth" for check in validation.gate)


def test_the_largest_gap_is_that_of_one_pair_of_populations_with_its_own_interval(compared: Comparison, world: World) -> None:
    # Two populations make one gap, for which Bonferroni changes nothing.
    cell = compared.find("scripted:blind", context("maps"), "depth")
    assert cell is not None
    gap = load_validation(world.runs["maps", "blind"]).find("judge_error_gap", "depth", {"dialect": "b"})
    assert (cell.worst_gap.population, cell.worst_gap.contrast) == ({"dialect": "b"}, {"dialect": "a"})
    found = cell.worst_gap.estimate
    assert (found.value, found.low, found.high) == pytest.approx((gap.value, gap.low, gap.high))


def test_the_largest_of_several_gaps_has_an_interval_for_all_of_them(tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b", "c", "d")
    items = planted_items(rubric, 40)
    planted_validation(tmp_path / "run", rubric, items, planted_ratings(items, judge_made={"c": -1.5, "b": 0.3}))
    found = compare([tmp_path / "run"], n_resamples=20).cells[0].worst_gap
    assert (found.population, found.contrast) == ({"dialect": "c"}, {"dialect": "a"})
    ratings = rated_criteria(load_validation(tmp_path / "run"))["depth"]
    rows = ratings.item
    alone = judge_error(
        ratings.expected[rows], ratings.code, ratings.facts.group_of("dialect")[rows], "a", ratings.units[rows], ratings.rater,
        confidence=1 - 0.05 / 3,
    ).gaps["c"]  # fmt: skip
    assert (found.estimate.low, found.estimate.high) == pytest.approx((alone.low, alone.high))
    assert found.estimate.level == 0.95
    assert found.estimate.p_value == pytest.approx(3 * (alone.p_value or 0.0))


# Differences


def test_the_difference_in_alpha_is_that_of_the_published_package(tmp_path: Path) -> None:
    # One human an item: alpha of judge and human is the ordinary one of two raters (krippendorff 0.9.0, ordinal).
    rubric, table = rubric_of("library"), ratings_of("single", n_raters=1)
    runs = [validated(tmp_path / name, reader(name), rubric, set_of("single", table, rubric)) for name in ("careful", "hasty")]
    found = compare(runs, n_resamples=3000)
    (difference,) = found.differences
    one, other = (rated_criteria(load_validation(run))["depth"] for run in runs)

    def alphas(drawn: np.ndarray) -> float:
        above, below = (
            krippendorff.alpha(np.stack([each.judge, each.values[0]])[:, drawn], level_of_measurement="ordinal")
            for each in (one, other)
        )
        return float(above - below)

    estimate = difference.agreement.estimate
    assert estimate.value == pytest.approx(alphas(np.arange(N_ITEMS)), abs=1e-9)
    rng = np.random.default_rng(1)
    draws = [alphas(rng.integers(N_ITEMS, size=N_ITEMS)) for _ in range(600)]
    assert estimate.se == pytest.approx(np.std(draws, ddof=1), rel=0.12)
    assert (estimate.low, estimate.high) == pytest.approx(np.quantile(draws, [0.025, 0.975]), abs=0.05)
    assert all(not cell.human.is_defined and not cell.ratio.is_defined for cell in found.cells)  # one human has no alpha


def test_the_difference_in_distance_is_the_paired_t_test_over_items(compared: Comparison, world: World) -> None:
    # Four humans rate each item, so that the mean over ratings is that over items: scipy's t test of the items' differences.
    one, other = rated(world, "maps", "careful"), rated(world, "maps", "blind")
    losses = [np.abs(each.expected - each.values).mean(axis=0) for each in (one, other)]
    test = stats.ttest_1samp(losses[0] - losses[1], 0)
    (difference,) = [
        d
        for d in compared.differences
        if (d.context, d.first, d.second) == (context("maps"), "scripted:careful", "scripted:blind")
    ]
    estimate = difference.absolute_error.estimate
    assert estimate.value == pytest.approx((losses[0] - losses[1]).mean())
    assert (estimate.low, estimate.high) == pytest.approx(tuple(test.confidence_interval(0.95)))
    assert estimate.p_value == pytest.approx(test.pvalue)


@pytest.mark.parametrize("measure", ["agreement", "absolute_error"])
def test_the_family_is_all_pairs_in_all_contexts(compared: Comparison, measure: str) -> None:
    family = [getattr(difference, measure) for difference in compared.differences]
    assert len(family) == 12
    alone = [2 * stats.t.sf(abs(m.estimate.value) / m.estimate.se, m.estimate.n_clusters - 1) for m in family]
    assert [m.p_value for m in family] == pytest.approx(multipletests(alone, method="holm")[1])
    for m in family:
        low, high = stats.t.interval(1 - 0.05 / 12, m.estimate.n_clusters - 1, m.estimate.value, m.estimate.se)
        assert (m.low, m.high) == pytest.approx((low, high))


def test_scenarios_are_what_is_counted_where_items_share_them(compared: Comparison) -> None:
    for difference in compared.differences:
        expected = N_ITEMS // 2 if difference.context in {context("shelves"), context("desks")} else N_ITEMS
        assert difference.agreement.estimate.n_clusters == difference.absolute_error.estimate.n_clusters == expected


def test_judges_are_ranked_where_they_can_be_told_apart_and_only_there(compared: Comparison) -> None:
    # Written out: a judge stands behind those whose adjusted interval of the difference lies on the other side of 0.
    for name in SETS:
        behind = dict.fromkeys(NAMES, 0)
        before = dict.fromkeys(NAMES, 0)
        for d in compared.differences:
            if d.context == context(name) and not d.agreement.low <= 0 <= d.agreement.high:
                first, second = (who.removeprefix("scripted:") for who in (d.first, d.second))
                best, worst = (first, second) if d.agreement.low > 0 else (second, first)
                behind[worst] += 1
                before[best] += 1
        for who in NAMES:
            cell = compared.find(f"scripted:{who}", context(name), "depth")
            assert cell is not None
            assert cell.rank == (1 + behind[who], 3 - before[who])
        assert behind["blind"] == 2
    ranks = {cell.rank for cell in compared.cells}
    assert {
        (1, 1),
        (2, 2),
        (1, 2),
        (3, 3),
    } == ranks  # in one context careful and hasty cannot be told apart, in the others they can


def test_judges_that_say_the_same_share_their_ranks(tmp_path: Path) -> None:
    rubric, table = rubric_of("library"), ratings_of("shelves")
    cset = set_of("shelves", table, rubric)
    first = validated(tmp_path / "first", reader("same", 0.0), rubric, cset)
    second = validated(tmp_path / "second", reader("other", 0.0), rubric, cset)
    third = validated(tmp_path / "third", reader("blind"), rubric, cset)
    found = compare([first, second, third], n_resamples=200)
    assert [cell.rank for cell in found.cells] == [(1, 2), (1, 2), (3, 3)]
    same = found.differences[0]
    assert (same.better, same.agreement.p_value) == (None, None)
    assert same.agreement.estimate.value == 0
    assert "no interval: all resamples give the same value" in same.agreement.estimate.method


def test_the_order_of_runs_changes_no_number(world: World, compared: Comparison) -> None:
    turned = compare(world.folders[::-1], n_resamples=400)
    for cell in compared.cells:
        other = turned.find(cell.judge, cell.context, cell.criterion)
        assert other is not None
        assert (other.ratio, other.rank, other.joint_winning_rate.value) == (cell.ratio, cell.rank, cell.joint_winning_rate.value)
    better = {(d.context, d.better) for d in compared.differences}
    assert {(d.context, d.better) for d in turned.differences} == better


def test_the_same_runs_give_the_same_comparison(world: World, compared: Comparison) -> None:
    assert compare(world.folders, n_resamples=400).to_json() == compared.to_json()


# The joint test


def test_the_joint_test_is_that_of_all_annotators_of_all_contexts(compared: Comparison, world: World) -> None:
    # Calderon et al. 2025 written out: leave annotator j out, W is 1 where a rating is at least as close to the others (root mean
    # squared distance) as the other's; one-sided t test over scenarios of mean(W_human - W_judge) < epsilon = 0.5; then
    # Benjamini-Yekutieli over the 4 annotators of each of 4 contexts.
    for judge in NAMES:
        p_values = {}
        for name in SETS:
            ratings = rated(world, name, judge)
            table = ratings.by_rater()
            assert table.shape == (len(RATERS), N_ITEMS)
            for j in range(len(RATERS)):
                others = np.delete(table, j, axis=0)
                own, judged = (np.sqrt(((others - each) ** 2).mean(axis=0)) for each in (table[j], ratings.judge))
                ahead = (own <= judged + 1e-9).astype(float) - (judged <= own + 1e-9).astype(float)
                by_unit = pd.Series(ahead).groupby(ratings.units).mean()  # scenarios have two items each, or items stand alone
                p_values[name, j] = stats.ttest_1samp(by_unit, 0.5, alternative="less").pvalue
        m = len(p_values)
        order = sorted(p_values, key=lambda key: p_values[key])
        harmonic = sum(1 / k for k in range(1, m + 1))
        last = max((k for k, key in enumerate(order, start=1) if p_values[key] <= 0.05 * k / (m * harmonic)), default=0)
        won = set(order[:last])
        for name in SETS:
            cell = compared.find(f"scripted:{judge}", context(name), "depth")
            assert cell is not None
            assert cell.joint_winning_rate.value == sum((name, j) in won for j in range(4)) / 4
            assert "16 annotators of 4 contexts" in cell.joint_winning_rate.method


# No average


def test_nothing_is_averaged_over_contexts(compared: Comparison) -> None:
    for name in ("mean", "average", "overall", "total", "score", "best"):
        assert not hasattr(compared, name)
    assert {field.name for field in fields(compared)} == {
        "as_of", "contexts", "judges", "cells", "differences", "flags", "notes", "level", "panels", "attribution",
    }  # fmt: skip
    assert "averaged over contexts" in " ".join((Comparison.__doc__ or "").split())
    named = {found.name for found in compared.contexts}
    assert all(each.context in named for each in (*compared.cells, *compared.differences, *compared.panels))


# Rows


def test_two_programs_of_a_judge_in_one_context_are_two_rows(tmp_path: Path) -> None:
    rubric, table = rubric_of("library"), ratings_of("shelves")
    cset, judge = set_of("shelves", table, rubric), reader("careful")
    plain = validated(tmp_path / "plain", judge, rubric, cset)
    program = jf.compile_judge(rubric)
    other = replace(program, sampling={**program.sampling, "max_tokens": 77})
    assert other.fingerprint != program.fingerprint
    jf.validate(other, cset, judge, run=tmp_path / "other", split="all", use_cache=False, as_of="2026-01-01", n_resamples=20)
    found = compare([plain, tmp_path / "other"], n_resamples=20)
    assert [row.name for row in found.judges] == [
        f"scripted:careful ({program.fingerprint[:8]})", f"scripted:careful ({other.fingerprint[:8]})",
    ]  # fmt: skip
    assert "a row for each of its programs" in " ".join(found.notes)


def test_a_judge_has_one_row_though_each_rubric_has_its_own_program(compared: Comparison) -> None:
    assert all(judge.program is None for judge in compared.judges)


def test_judges_of_one_table_are_compared_without_a_rubric(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows = []
    for i in range(60):
        level = int(rng.integers(1, 6))
        said = {
            "good": level,
            "bad": int(rng.integers(1, 6)),
            **{r: int(np.clip(level + rng.choice([-1, 0, 1]), 1, 5)) for r in RATERS},
        }
        rows += [
            {"item_id": f"i{i}", "rater_id": who, "value": value, "rater_kind": "human" if who in RATERS else "judge"}
            for who, value in said.items()
        ]
    table = pd.DataFrame(rows)
    for name in ("good", "bad"):
        save_validation(jf.validate_ratings(table, name, "ordinal:1-5", n_resamples=20, as_of="2026-01-01"), tmp_path / name)
    found = compare([tmp_path / "good", tmp_path / "bad"], n_resamples=200)
    assert [each.name for each in found.contexts] == ["no rubric, ratings, all"]
    assert found.differences[0].better == "good"
    assert [dict(cell.gate) for cell in found.cells] == [{}, {}]


def test_a_nominal_scale_has_agreement_and_no_distances(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows = []
    for i in range(60):
        level = "xyz"[int(rng.integers(3))]
        said = {"good": level, "bad": "xyz"[int(rng.integers(3))], "ann": level, "bob": level if rng.random() < 0.8 else "x"}
        rows += [
            {"item_id": f"i{i}", "rater_id": who, "value": value, "rater_kind": "human" if who in RATERS else "judge"}
            for who, value in said.items()
        ]
    for name in ("good", "bad"):
        given = jf.validate_ratings(pd.DataFrame(rows), name, "nominal:x,y,z", n_resamples=20, as_of="2026-01-01")
        save_validation(given, tmp_path / name)
    (difference,) = compare([tmp_path / "good", tmp_path / "bad"], n_resamples=200).differences
    assert difference.better == "good"
    assert "nominal scale has no distances" in difference.absolute_error.estimate.method
    assert difference.absolute_error.p_value is None


# Refusals


def edited(run: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """A run whose validation says something else in its scope."""
    data = json.loads((run / "validation.json").read_text("utf-8"))
    change(data["scope"])
    (run / "validation.json").write_text(json.dumps(data), "utf-8")
    return run


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    """Two made-up judges in one made-up context."""
    rubric = planted_rubric("a", "b")
    items = planted_items(rubric, 20)
    for name in ("one", "other"):
        planted_validation(tmp_path / name, rubric, items, planted_ratings(items), judge=name)
    return [tmp_path / "one", tmp_path / "other"]


def test_runs_that_rated_other_items_are_refused_by_name(two: list[Path]) -> None:
    edited(two[1], lambda scope: scope.update(split_fingerprint="e" * 64))
    with pytest.raises(
        InputError, match=r"one and .*other: both hold .*rated other items \(ffffffffffff and eeeeeeeeeeee\).*--limit"
    ):
        compare(two)


def test_runs_with_other_human_ratings_are_refused_by_name(tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b")
    items = planted_items(rubric, 20)
    for seed, name in enumerate(("one", "other")):
        planted_validation(tmp_path / name, rubric, items, planted_ratings(items, seed=seed), judge=name)
    with pytest.raises(InputError, match=r"one and .*other: both hold .*human ratings of depth.*the same labels"):
        compare([tmp_path / "one", tmp_path / "other"])


def test_a_rubric_that_changed_under_one_version_is_refused(two: list[Path], tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b", tolerance=0.5)
    items = planted_items(rubric, 20)
    planted_validation(tmp_path / "changed", rubric, items, planted_ratings(items), judge="changed")
    with pytest.raises(InputError, match=r"whose content differs between them\. Give the changed rubric a new version"):
        compare([two[0], tmp_path / "changed"])


def test_a_run_given_twice_is_refused(two: list[Path]) -> None:
    with pytest.raises(InputError, match=r"both hold one with the same program .*Leave one of them out"):
        compare([two[0], two[0]])


def test_ratings_newer_than_their_validation_are_refused(two: list[Path]) -> None:
    data = json.loads((two[0] / "validation.json").read_text("utf-8"))
    (two[0] / "validation.json").write_text(json.dumps(data | {"ratings": "0" * 64}), "utf-8")
    with pytest.raises(InputError, match="ratings are newer than its validation"):
        compare(two)


def test_a_folder_that_holds_nothing_is_refused_with_what_is_expected(two: list[Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        InputError, match=r"empty: holds neither a validation nor a judged run\. Expected a folder that judgefair validate"
    ):
        compare([*two, tmp_path / "empty"])


def test_without_any_human_label_there_is_nothing_to_compare(tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b")
    items = planted_items(rubric, 5)
    run = planted_run(tmp_path / "run", rubric, items, without_humans(planted_ratings(items)))
    with pytest.raises(InputError, match="no human labels to hold a judge against"):
        compare([run])


def test_a_study_of_several_runs_names_them(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"cells": ["tutor/gpt"]}), "utf-8")
    with pytest.raises(InputError, match=r"Name them one by one: .*tutor/gpt"):
        read_run(tmp_path)


# Flags


def test_a_judge_validated_in_one_context_and_used_in_another_is_flagged(two: list[Path], tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b")
    items = planted_items(rubric, 20, first=500)
    used = planted_run(tmp_path / "used", rubric, items, without_humans(planted_ratings(items)), judge="one")
    estimate(used, validation=two[0], n_resamples=20)
    found = compare([*two, used], n_resamples=20)
    (flag,) = found.flags
    assert (flag.kind, flag.judge, flag.run) == ("used_elsewhere", "one", str(used))
    assert list(flag.validated_in) == [found.contexts[0].name]
    assert (
        "was validated in library_desk 2.1.0, made_up_set, test and is used in library_desk 2.1.0, 40 items in used"
        in flag.message
    )
    assert len(found.cells) == 2  # the run where it is used is no context that it was validated in


def test_a_verdict_that_rests_on_another_set_is_flagged_though_the_carried_tables_are_gone(
    two: list[Path], tmp_path: Path
) -> None:
    import shutil

    rubric = planted_rubric("a", "b")
    items = planted_items(rubric, 20, first=500)
    used = planted_run(tmp_path / "used", rubric, items, without_humans(planted_ratings(items)), judge="one")
    estimate(used, validation=two[0], n_resamples=20)
    shutil.rmtree(used / "validated")
    (flag,) = compare([*two, used], n_resamples=20).flags
    assert (flag.kind, list(flag.validated_in)) == ("used_elsewhere", ["made_up_set"])


def test_a_run_without_labels_is_flagged_with_where_its_judge_was_validated(world: World, tmp_path: Path) -> None:
    rubric = rubric_of("library")
    items = set_of("new", ratings_of("new"), rubric).items
    judge_items(jf.compile_judge(rubric), items, reader("careful"), tmp_path / "used", use_cache=False, as_of="2026-02-01")
    found = compare([*world.folders, tmp_path / "used"], n_resamples=20)
    (flag,) = found.flags
    assert (flag.kind, flag.judge) == ("not_validated", "scripted:careful")
    assert list(flag.validated_in) == [context(name) for name in SETS[:3]]  # the fourth has another rubric
    assert flag.message.startswith("scripted:careful is not validated in this context (library 1.0.0, 100 items in used)")
    assert found.as_of == "2026-02-01"


def test_a_judge_that_was_validated_with_another_rubric_or_nowhere_is_flagged_so(world: World, tmp_path: Path) -> None:
    rubric = rubric_of("third")
    items = set_of("new", ratings_of("new"), rubric).items
    for name in ("careful", "stranger"):
        judge_items(jf.compile_judge(rubric), items, reader(name, 0.5), tmp_path / name, use_cache=False, as_of="2026-01-01")
    known, unknown = compare([*world.folders, tmp_path / "careful", tmp_path / "stranger"], n_resamples=20).flags
    assert "validated in: nowhere among these runs, and with another rubric in: library 1.0.0, shelves, all" in known.message
    assert unknown.message.endswith("validated in: nowhere among these runs.")
    assert not known.validated_in
    assert not unknown.validated_in


def test_runs_that_stand_on_their_own_labels_are_not_flagged(compared: Comparison) -> None:
    assert list(compared.flags) == []


# Notes


def test_contexts_that_share_items_and_splits_that_are_previews_are_noted(tmp_path: Path) -> None:
    table = ratings_of("shelves", 80)
    for version in ("1.0.0", "1.1.0"):
        rubric = rubric_of("library", version)
        validated(tmp_path / version, reader("careful"), rubric, set_of("shelves", table, rubric), split="dev")
    notes = compare([tmp_path / "1.0.0", tmp_path / "1.1.0"], n_resamples=20).notes
    assert any("share items of shelves" in note for note in notes)
    assert any("it is a preview: library 1.0.0, shelves, dev; library 1.1.0, shelves, dev" in note for note in notes)


def test_items_that_a_judge_left_out_are_told_of(tmp_path: Path) -> None:
    rubric = planted_rubric("a", "b")
    items = planted_items(rubric, 20)
    ratings = planted_ratings(items)
    planted_validation(tmp_path / "one", rubric, items, ratings, judge="one")
    lost = ratings.copy()
    rows = (lost["rater_kind"] == "judge") & lost["item_id"].isin([item.item_id for item in items[:10]])
    lost.loc[rows, ["code", "expected"]] = np.nan
    lost.loc[rows, "missing"] = "unparsable"
    planted_validation(tmp_path / "other", rubric, items, lost, judge="other")
    found = compare([tmp_path / "one", tmp_path / "other"], n_resamples=20)
    assert found.differences[0].agreement.estimate.n_items == 30
    assert any("items that both rated, one and other on 30 of 40. The others may be harder" in note for note in found.notes)
    assert sorted(cell.n_missing for cell in found.cells) == [0, 10]


def test_a_judge_that_says_one_thing_of_everything_and_a_pilot_are_told_of(tmp_path: Path) -> None:
    rubric, table = rubric_of("library"), ratings_of("shelves", 40)
    for name, judge in (("same", scripted("first")), ("careful", reader("careful"))):
        validated(tmp_path / name, judge, rubric, set_of("shelves", table, rubric), limit=20)
    notes = compare([tmp_path / "same", tmp_path / "careful"], n_resamples=20).notes
    told = [note for note in notes if "gave every item" in note]
    assert [note.partition(". ")[0].partition(", ")[2] for note in told] == [
        "shelves, all, depth: scripted:first gave every item 1"
    ]
    assert sum("A pilot: 20 of 40 items" in note for note in notes) == 1


def test_pairs_in_a_context_are_as_many_as_its_judges_make(compared: Comparison) -> None:
    pairs = [(d.first, d.second) for d in compared.differences if d.context == context("maps")]
    assert pairs == list(combinations([f"scripted:{name}" for name in NAMES], 2))
