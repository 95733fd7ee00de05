"""Is every item drawn with the probability on record, and is nothing drawn that is not to be labelled?"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from scipy import stats

from judgefair.errors import InputError
from judgefair.estimation.estimation import Plan
from judgefair.estimation.sampling import Draw, draw_from, draw_json, draw_sample, record_draw
from judgefair.records import Item, Missing
from judgefair.rubric.context import Context
from judgefair.runs.items import write_items
from tests.builders import armed_items, planted_items, planted_rubric

THREE = tuple({"dialect": group} for group in "abc")
CONTEXT = planted_rubric("a", "b", "c").context


def run_with(folder: Path, items: Sequence[Item]) -> Path:
    folder.mkdir(exist_ok=True)
    write_items(items, folder)
    return folder


def by_group(draw: Draw) -> Counter[str]:
    return Counter(item.populations["dialect"] for item in draw.items)


def blocks(draw: Draw, group: str) -> set[str]:
    return {item.meta.get("block", item.scenario_id) for item in draw.items if item.populations["dialect"] == group}


def drawn_in_turn(run: Path, *counts: int, context: Context = CONTEXT, **more: object) -> list[Draw]:
    """One draw after the other, each with its labels in before the next."""
    draws = []
    for n in counts:
        draws.append(draw_sample(run, context, n, **more))  # type: ignore[arg-type]
        record_draw(draws[-1], run)
    return draws


def assert_share(counted: int, n: int, share: float, what: str) -> None:
    # The central 1 - 1e-6 of Binomial(n, share), since it is asked of many items.
    low, high = stats.binom.interval(1 - 1e-6, n, share)
    assert low <= counted <= high, f"{what} was drawn by {counted} of {n} seeds, and its probability is {share:.3f}"


# Probabilities


@pytest.mark.parametrize("counts", [(11,), (5, 6)], ids=["one draw", "two draws"])
def test_the_share_of_seeds_that_draw_an_item_is_the_probability_on_record(counts: tuple[int, ...], tmp_path: Path) -> None:
    # Two arms of a, one of b and c each, some of them unanswered and with that their blocks out.
    items = [i for i in armed_items(8, THREE, ("name", "dialect")) if i.meta["arm"] not in ("dialect=b, name", "dialect=c, name")]
    items = [replace(i, no_response=Missing("refused")) if i.item_id == "r-b0003-dialect=c, dialect-0" else i for i in items]
    run = run_with(tmp_path, items)
    seen, n_seeds, shares = Counter[str](), 250, dict[str, float]()
    for seed in range(n_seeds):
        (run / "sampling.json").unlink(missing_ok=True)
        draws = drawn_in_turn(run, *counts, allocation="worst-gap", seed=seed)
        drawn = [item.item_id for draw in draws for item in draw.items]
        assert len(set(drawn)) == len(drawn) == sum(counts)
        assert draws[-1].inclusion == (shares or draws[-1].inclusion)  # how many of each stratum does not depend on the seed
        shares = dict(draws[-1].inclusion)
        seen.update(drawn)
    assert len(set(shares.values())) > 2
    assert len(shares) == 31  # 8 of each of four arms, less a refused one
    assert sum(shares.values()) == pytest.approx(sum(counts))
    for item_id, share in shares.items():
        assert_share(seen[item_id], n_seeds, share, item_id)


def test_a_second_draw_has_the_probability_of_both_together(tmp_path: Path) -> None:
    first, second = drawn_in_turn(run_with(tmp_path, armed_items(10, THREE)), 6, 9)
    assert set(first.inclusion.values()) == {0.2}
    assert set(second.inclusion.values()) == {0.5}


def test_scenarios_with_more_items_of_a_population_are_no_likelier(tmp_path: Path) -> None:
    # Were scenarios drawn whole in a random order until the number is full, the second of A's two items would be drawn by half of the
    # seeds and the first by all.
    items = [
        Item(f"{scenario}{k}", "q", "r", {"dialect": "a"}, scenario) for scenario, n in (("A", 2), ("B", 1)) for k in range(n)
    ]
    run, seen = run_with(tmp_path, items), Counter[str]()
    for seed in range(200):
        draw = draw_sample(run, CONTEXT, 2, seed=seed)
        assert set(draw.inclusion.values()) == {2 / 3}
        seen.update(item.item_id for item in draw.items)
    for item in items:
        assert_share(seen[item.item_id], 200, 2 / 3, item.item_id)


# One order of scenarios


@pytest.mark.parametrize("armed", [True, False], ids=["arms", "scenarios without arms"])
def test_all_populations_are_drawn_from_the_same_scenarios(armed: bool, tmp_path: Path) -> None:
    items = armed_items(40, THREE) if armed else planted_items(planted_rubric("a", "b", "c"), 40)
    run = run_with(tmp_path, items)
    even = draw_sample(run, CONTEXT, 45)
    assert blocks(even, "a") == blocks(even, "b") == blocks(even, "c")
    assert len(blocks(even, "a")) == 15
    uneven = draw_sample(run, CONTEXT, 45, allocation="worst-gap")
    assert blocks(uneven, "a") > blocks(uneven, "b") == blocks(uneven, "c")


def test_replicates_of_an_arm_are_drawn_from_the_same_scenarios(tmp_path: Path) -> None:
    draw = draw_sample(run_with(tmp_path, armed_items(30, replicates=2)), CONTEXT, 40)
    of = [{i.meta["block"] for i in draw.items if i.meta["replicate"] == k} for k in (0, 1)]
    assert of[0] == of[1]
    assert len(of[0]) == 10


def test_a_second_draw_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    items = armed_items(20, THREE)
    first, second = drawn_in_turn(run_with(tmp_path / "twice", items), 15, 30, seed=3)
    (whole,) = drawn_in_turn(run_with(tmp_path / "once", items), 45, seed=3)
    ids = [{item.item_id for item in draw.items} for draw in (first, second, whole)]
    assert ids[0].isdisjoint(ids[1])
    assert ids[0] | ids[1] == ids[2]
    assert second.inclusion == whole.inclusion


def test_a_second_draw_keeps_the_seed_of_the_first(tmp_path: Path) -> None:
    run = run_with(tmp_path, armed_items(20, THREE))
    first = draw_sample(run, CONTEXT, 30, seed=3)
    record_draw(first, run)
    second = draw_sample(run, CONTEXT, 30, seed=4)
    assert second.seed == 3
    assert len({item.item_id for draw in (first, second) for item in draw.items}) == 60


def test_another_seed_draws_others_and_the_same_seed_the_same(tmp_path: Path) -> None:
    run = run_with(tmp_path, armed_items(20, THREE))
    again = [[item.item_id for item in draw_sample(run, CONTEXT, 15, seed=seed).items] for seed in (1, 1, 2)]
    assert again[0] == again[1]
    assert set(again[0]) != set(again[2])


def test_a_draw_is_not_repeated_from_items_that_have_changed(tmp_path: Path) -> None:
    # An arm that had no answer has one now: its block, which was out, would stand among those whose probability is on record.
    items = armed_items(20)
    failed = [replace(i, no_response=Missing("backend_failure")) if i.meta["block"] == "b0007" else i for i in items]
    run = run_with(tmp_path, failed)
    record_draw(draw_sample(run, CONTEXT, 10), run)
    write_items(items, run)
    with pytest.raises(
        InputError, match=r"sampling\.json: the run's answered items are not those that labels were drawn from \(2 differ"
    ):
        draw_sample(run, CONTEXT, 10)


# How many of each


def test_equal_gives_every_population_the_same_number_however_many_arms_it_has(tmp_path: Path) -> None:
    items = [i for i in armed_items(30, THREE, ("name", "dialect", "situation")) if i.meta["arm"] != "dialect=b, name"]
    run = run_with(tmp_path, [i for i in items if i.meta["arm"] not in ("dialect=c, name", "dialect=c, situation")])
    for n in (*range(1, 32), 47, 60):
        counts = by_group(draw_sample(run, CONTEXT, n))
        assert max(counts.values()) - min(counts[group] for group in "abc") <= 1, (n, counts)
    by_arm = Counter(item.meta["arm"] for item in draw_sample(run, CONTEXT, 27).items if item.populations["dialect"] == "a")
    assert set(by_arm.values()) == {3}


def test_what_a_population_lacks_in_items_goes_to_the_others(tmp_path: Path) -> None:
    items = [i for i in armed_items(20, THREE, others=False) if i.populations["dialect"] != "b" or i.meta["block"] < "b0004"]
    draw = draw_sample(run_with(tmp_path, items), CONTEXT, 30)
    assert by_group(draw) == {"a": 13, "b": 4, "c": 13}
    assert {draw.inclusion[item.item_id] for item in items if item.populations["dialect"] == "b"} == {1.0}


def test_worst_gap_gives_the_reference_the_root_of_its_contrasts_times_as_many(tmp_path: Path) -> None:
    # Four gaps to the reference: variances 1/n_0 + 1/n_k summed over k are smallest, for a given sum, at n_0 = sqrt(4) n_k.
    run = run_with(tmp_path, armed_items(40, [{"dialect": group} for group in "abcde"]))
    context = planted_rubric("a", "b", "c", "d", "e").context
    assert by_group(draw_sample(run, context, 60, allocation="worst-gap")) == {"a": 20, "b": 10, "c": 10, "d": 10, "e": 10}
    assert set(by_group(draw_sample(run, context, 60)).values()) == {12}


def plan(**needed: int) -> Plan:
    return Plan("depth", "dialect", "a", 0.25, {"a": 10, "b": 10, "c": 15}, needed, {}, None, None, "")


def test_worst_gap_with_plans_gives_each_population_what_it_lacks(tmp_path: Path) -> None:
    # One criterion lacks 30, 10 and 0; the other 10, 20 and 0. What is lacking is the more of both: 30, 20 and 0.
    run = run_with(tmp_path, armed_items(60, THREE))
    one, other, unknown = plan(a=40, b=20, c=12), plan(a=20, b=30, c=15), plan()
    assert by_group(draw_sample(run, CONTEXT, 20, allocation="worst-gap", plans=[one])) == {"a": 15, "b": 5}
    both = draw_sample(run, CONTEXT, 50, allocation="worst-gap", plans=[one, unknown, other])
    assert by_group(both) == {"a": 30, "b": 20}
    assert not any(item_id.startswith("r-") and "dialect=c" in item_id for item_id in both.inclusion)
    assert by_group(draw_sample(run, CONTEXT, 50, plans=[one])) == {"a": 17, "b": 17, "c": 16}  # equal asks no plan


def test_when_every_plan_is_met_the_draw_goes_on_evenly(tmp_path: Path) -> None:
    run = run_with(tmp_path, armed_items(20, THREE))
    assert by_group(draw_sample(run, CONTEXT, 30, allocation="worst-gap", plans=[plan(a=5, b=5, c=5)])) == dict.fromkeys(
        "abc", 10
    )


# What is never drawn


def test_only_answered_items_that_show_a_population_are_drawn(tmp_path: Path) -> None:
    items = armed_items(6)
    lived = [
        Item(f"log-{k}", "q", "r", {"dialect": "a"}, f"log-{k}", {"mix": "as_lived", "arm": "log", "block": f"l{k}"})
        for k in range(3)
    ]

    def mute(item: Item) -> Item:
        told = (item.meta["block"], item.meta["arm"])
        if told == ("b0001", "dialect=a, dialect"):
            return replace(item, no_response=Missing("backend_failure"))  # its block is out, all arms of it
        if told == ("b0002", "neutral"):
            return replace(item, no_response=Missing("over_budget"))  # so is this
        if told == ("b0003", "dialect=b, dialect"):
            return replace(item, no_response=Missing("refused"))  # an outcome of its own: the other arm stays
        return item

    run = run_with(tmp_path, [*map(mute, items), *lived])
    expected = {f"r-b{b:04}-dialect={group}, dialect-0" for b in (0, 3, 4, 5) for group in "ab"} - {
        "r-b0003-dialect=b, dialect-0"
    }
    draw = draw_sample(run, CONTEXT, 7)
    assert {item.item_id for item in draw.items} == set(draw.inclusion) == expected
    assert set(draw.inclusion.values()) == {1.0}
    for n in (8, 0):
        with pytest.raises(
            InputError,
            match=rf"--n is {n}, and 7 of the run's 7 answered items that show a population are not drawn yet\. Expected 1 to 7",
        ):
            draw_sample(run, CONTEXT, n)


def test_no_more_can_be_drawn_than_is_left(tmp_path: Path) -> None:
    run = run_with(tmp_path, armed_items(10))
    drawn_in_turn(run, 15)
    with pytest.raises(InputError, match=r"--n is 6, and 5 of the run's 20 answered items .* Expected 1 to 5"):
        draw_sample(run, CONTEXT, 6)
    drawn_in_turn(run, 5)
    with pytest.raises(InputError, match=r"--n is 1, and 0 of the run's 20 answered items .* There is nothing to draw"):
        draw_sample(run, CONTEXT, 1)


# On record


def test_a_draw_is_read_back_as_it_was(tmp_path: Path) -> None:
    items = armed_items(10)
    draw = draw_sample(run_with(tmp_path, items), CONTEXT, 8)
    by_id = {item.item_id: item for item in items}
    assert draw_from(draw_json(draw), by_id, tmp_path) == draw
    del by_id[draw.items[2].item_id]
    with pytest.raises(InputError, match=r"which is no item of the run any more \(1 such\)\. Draw another sample"):
        draw_from(draw_json(draw), by_id, tmp_path)
