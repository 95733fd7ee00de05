"""Does the probe of places find a judge that takes what is shown first, by how often, and say nothing of one that does not?"""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from judgefair.compile import JudgeProgram
from judgefair.probes import is_moved, probe
from judgefair.probes._trial import CannotProbe, Material
from judgefair.probes.position import make
from judgefair.records import Item
from judgefair.statistics.estimate import Estimate
from judgefair.statistics.placebo_controlled import placebo_controlled
from tests.pairs import PairJudge, pair_program, pair_rubric, pairs
from tests.probes.judges import made_up_items, made_up_program

ITEMS = pairs(120)
N = 400
LEVELS = ["one", "other", "tie"]


def excesses(model: PairJudge, out: Path) -> dict[str, Estimate]:
    (found,) = probe(pair_program(), ITEMS, model, out, names=["position"], use_cache=False)
    assert found.reason == ""
    return {
        "all" if f.population is None else f.population["dialect"]: f.estimate
        for f in found.findings
        if f.estimate.estimand == "probe.position.excess"
    }


def test_a_planted_preference_for_the_first_is_found_in_each_population(tmp_path: Path) -> None:
    found = excesses(PairJudge(follows=0.3, noise=0.2), tmp_path)
    assert set(found) == {"all", "a", "b"}
    for excess in found.values():
        assert is_moved(excess)
        assert excess.value == pytest.approx(0.6, abs=4 * excess.se)


def test_a_judge_that_is_only_noisy_is_not_said_to_prefer_a_place(tmp_path: Path) -> None:
    for excess in excesses(PairJudge(noise=0.5), tmp_path).values():
        assert not is_moved(excess)
        assert abs(excess.value) < 0.3


def test_both_orders_are_judged_once_for_all_probes(tmp_path: Path) -> None:
    model = PairJudge()
    probe(pair_program(), ITEMS[:10], model, tmp_path, names=["position", "padding"], use_cache=False)
    assert len(model.bodies) == 20 * 3  # as they are, padded, and padding's placebo


@pytest.mark.parametrize(
    ("program", "items"),
    [(made_up_program(), made_up_items(4)), (pair_program(), made_up_items(4)), (made_up_program(), ITEMS)],
)
def test_places_cannot_be_changed_where_nothing_is_compared(program: JudgeProgram, items: list[Item]) -> None:
    with pytest.raises(CannotProbe, match=r"nothing here compares two responses. It would need a criterion on a pairwise scale"):
        make(Material(program, items, "scripted:made_up"))


# How often it is right


def replications(**model: float) -> list[Estimate]:
    """The excess of judges that differ in their noise alone, without runs."""
    prompt, scale = pair_program().prompts["better"], pair_rubric().criteria[0].scale
    shown = [(prompt.last_message(item), prompt.last_message(item.swapped)) for item in ITEMS]
    units = [item.unit for item in ITEMS]

    def excess(judge: PairJudge) -> Estimate:
        codes = np.array([[scale.code(judge.level(text, LEVELS)) for text in orders] for orders in shown])
        return placebo_controlled(codes[:, 0], -codes[:, 1], None, None, None, units)["all"].excess

    return [excess(PairJudge(seed=seed, **model)) for seed in range(N)]


@pytest.mark.slow
def test_the_interval_holds_the_planted_size_as_often_as_it_says() -> None:
    held = [excess.low <= 0.6 <= excess.high for excess in replications(follows=0.3, noise=0.2)]
    low, high = stats.binom.ppf([0.0005, 0.9995], N, 0.95)
    assert low <= np.sum(held) <= high


@pytest.mark.slow
def test_a_judge_without_bias_is_suspected_no_more_often_than_it_may_be() -> None:
    moved = [is_moved(excess) for excess in replications(noise=0.5)]
    assert np.sum(moved) <= stats.binom.ppf(0.9995, N, 0.05)


def test_an_item_keeps_its_place_among_the_trials(tmp_path: Path) -> None:
    silent = Item("silent", "Where?", " ", {"dialect": "a"}, second_response="There (serves 1).")
    trial = make(Material(pair_program(), [silent, *ITEMS], "j"))
    assert [item.item_id for item in trial.changed.items] == [item.item_id for item in ITEMS]
