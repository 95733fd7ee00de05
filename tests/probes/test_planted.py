"""Does each probe find a bias that was planted, by its size, and say nothing of a judge that has none?"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from judgefair import plugins
from judgefair.probes import is_moved, probe
from judgefair.statistics.estimate import Estimate
from judgefair.statistics.placebo_controlled import placebo_controlled
from tests.probes.judges import CASES, Case, MadeUpJudge, levels, made_up_items, made_up_program, material, questions

ITEMS = made_up_items(120)
N = 400
APART = {"position"}  # of pairs: see test_position.py
every_probe = pytest.mark.parametrize("name", CASES)


def excesses(name: str, case: Case, judge: MadeUpJudge, out: Path) -> dict[str, list[Estimate]]:
    """By population of the case, the excess of both criteria, as `probe` finds it."""
    (found,) = probe(made_up_program(), ITEMS, judge, out, names=[name], use_cache=False)
    assert found.reason == ""
    return {
        group: [
            of.estimate
            for of in found.findings
            if of.estimate.estimand == f"probe.{name}.excess"
            and of.population == (None if group == "all" else {"dialect": group})
        ]
        for group in case.moves
    }


def test_every_probe_has_a_bias_to_find() -> None:
    assert {*CASES, *APART} == set(plugins.names("probes"))


@every_probe
def test_a_planted_bias_is_found(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    judge = MadeUpJudge(case.bias, is_fickle=case.is_fickle)
    for group, found in excesses(name, case, judge, tmp_path).items():
        assert len(found) == 2
        for excess in found:
            assert is_moved(excess) or (excess.p_value is None and excess.low > 0)  # replies that differ, and no placebo
            assert excess.value == pytest.approx(case.moves[group], abs=4 * excess.se)


@every_probe
def test_a_judge_without_bias_is_not_said_to_have_one(name: str, tmp_path: Path) -> None:
    for found in excesses(name, CASES[name], MadeUpJudge(), tmp_path).values():
        assert len(found) == 2
        for excess in found:
            assert not is_moved(excess)
            assert abs(excess.value) < 0.3


def replications(name: str, case: Case | None) -> Iterator[tuple[str, Estimate]]:
    """Population and excess of the first criterion, by judges that differ in their noise alone."""
    module = plugins.load("probes", name)
    of = material(ITEMS)
    trial = module.make(of)
    asked = {part: questions(of, version)[0] for part, version in trial.versions()}
    base = asked.get("base") or [one for one, item in zip(questions(of, type(trial.changed)(ITEMS))[0], ITEMS, strict=True)]
    ids = [item.item_id for item in trial.changed.items]
    assert ids == [item.item_id for item in ITEMS]
    group_of = [trial.populations[i]["dialect"] for i in ids] if trial.populations else None
    units = None if group_of else [item.unit for item in ITEMS]
    for seed in range(N):
        judge = MadeUpJudge(case.bias, seed=seed, is_fickle=case.is_fickle) if case else MadeUpJudge(seed=seed)
        placebo = levels(judge, asked["placebo"]) if "placebo" in asked else None
        rated = levels(judge, base), levels(judge, asked["changed"]), placebo
        found = placebo_controlled(*rated, group_of, None, units, is_directed=module.IS_DIRECTED)
        yield from ((group, of.excess) for group, of in found.items())


@pytest.mark.slow
@every_probe
def test_the_interval_holds_the_planted_size_as_often_as_it_says(name: str) -> None:
    case = CASES[name]
    held: dict[str, list[bool]] = {}
    for group, excess in replications(name, case):
        held.setdefault(group, []).append(excess.low <= case.moves[group] <= excess.high)
    assert set(held) == set(case.moves)
    for group, hits in held.items():
        low, high = stats.binom.ppf([0.0005, 0.9995], N, 0.95)
        assert low <= np.sum(hits) <= high, (group, np.mean(hits))


@pytest.mark.slow
@every_probe
def test_a_judge_without_bias_is_suspected_no_more_often_than_it_may_be(name: str) -> None:
    moved: dict[str, list[bool]] = {}
    for group, excess in replications(name, None):
        moved.setdefault(group, []).append(is_moved(excess))
    for hits in moved.values():
        assert len(hits) == N
        assert np.sum(hits) <= stats.binom.ppf(0.9995, N, 0.05)
