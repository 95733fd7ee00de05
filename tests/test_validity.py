"""Does the simulation study behind the claims about intervals and verdicts know its truth, and do the claims hold in it?"""

import csv
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "validity.py"
if not BENCHMARK.is_file():
    pytest.skip("the benchmarks are not part of a source distribution", allow_module_level=True)


def _loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("validity", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["validity"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


validity = _loaded()
REGIMES = {regime.name: regime for regime in validity.REGIMES}
FAST = ["judge makes a gap", "25 labels", "judge missing by population"]
N_ERRORS = 3.5
"""A right claim fails a test by chance less than once in 4,000."""


def test_the_true_mean_is_that_of_normal_probabilities() -> None:
    # merit + noise is normal with variance 1 + 0.6^2, so the share of ratings above a cut is Phi((merit - cut) / sqrt(1.36));
    # at merit 0.5: Phi(1.71499) + Phi(0.85749) + Phi(0) + Phi(-0.85749) = 0.95683 + 0.80442 + 0.5 + 0.19558
    world = validity.World(replace(validity.REGIMES[0], noise=0.6))
    assert world.mean(0.5) == pytest.approx(1 + 0.95683 + 1.5, abs=1e-5)


def test_the_true_gaps_are_the_wanted_multiples_of_the_tolerance() -> None:
    regime = REGIMES["12 populations"]
    world = validity.World(regime)
    assert world.gap_of_rated == pytest.approx(np.array(regime.gaps) * regime.tolerance, abs=1e-10)


@pytest.mark.parametrize("name", ["judge missing by population", "binary, rare", "shared scenarios", "missing at random"])
def test_a_large_draw_finds_the_true_gap_among_rated_items(name: str) -> None:
    regime = REGIMES[name]
    n = len(regime.items)
    everything = replace(regime, items=(200_000,) * n, labels=(200_000,) * n)
    world = validity.World(everything)
    drawn = world.draw(np.random.default_rng(0))
    rated = ~np.isnan(drawn.judge) & ~np.isnan(drawn.human)
    means = np.array([drawn.human[rated & (world.code == k)].mean() for k in range(n)])
    assert means[1:] - means[0] == pytest.approx(world.gap_of_rated, abs=0.015)  # more than 4 standard errors


def test_a_replication_depends_on_nothing_but_seed_name_and_number() -> None:
    regime = REGIMES["25 labels, binary"]
    tell = [*validity.COLUMNS.values(), *validity.MORE.values()]
    first, again, other = (validity.simulate(regime, 8, seed) for seed in (1, 1, 2))
    assert [told(first) for told in tell] == [told(again) for told in tell]
    assert [told(first) for told in tell] != [told(other) for told in tell]


def test_the_regimes_have_names_of_their_own_and_fit_their_populations() -> None:
    assert len(validity.REGIMES) == len(REGIMES) >= 12
    for regime in validity.REGIMES:
        n = len(regime.items)
        assert len(regime.labels) == n == len(regime.gaps) + 1, regime.name
        assert {len(x) for x in (regime.bias, regime.judge_missing, regime.human_missing)} <= {0, n}, regime.name


@pytest.mark.parametrize("name", FAST)
def test_claims_hold_in_a_few_replications(name: str) -> None:
    assert not validity.broken(validity.simulate(REGIMES[name], 60), N_ERRORS)


def test_too_few_labels_are_always_undetermined() -> None:
    assert validity.simulate(REGIMES["20 labels"], 30).undetermined == 1


def test_the_study_sees_that_the_judges_own_gap_is_wrong() -> None:
    assert validity.simulate(REGIMES["judge makes a gap"], 40).raw_coverage < 0.2


def test_labels_that_are_no_random_sample_are_seen_to_break_coverage() -> None:
    result = validity.simulate(replace(REGIMES["labels not at random"], holds=True), 40)
    assert any("coverage" in problem for problem in validity.broken(result, N_ERRORS))


def test_every_claim_can_break() -> None:
    fine = replace(
        validity.simulate(REGIMES["plain"], 2), n_replications=2000, correlation=0.8, coverage=0.95, error=0.005, together=0.95,
        with_interval=1.0, width_ratio=0.7, false_disparity=0.05, false_equivalence=0.05,
    )  # fmt: skip
    useless = replace(fine, regime=REGIMES["useless judge"], correlation=0.0, width_ratio=1.04)
    few = replace(fine, regime=REGIMES["20 labels"], undetermined=1.0)
    assert not [*validity.broken(fine), *validity.broken(useless), *validity.broken(few)]
    for name, value in [
        ("coverage", 0.91), ("coverage", 0.99), ("together", 0.91), ("width_ratio", 0.8), ("false_disparity", 0.07),
        ("false_equivalence", 0.07),
    ]:  # fmt: skip
        assert len(validity.broken(replace(fine, **{name: value}))) == 1, name
    assert not validity.broken(replace(fine, coverage=0.99, with_interval=0.5))
    assert validity.broken(replace(fine, coverage=0.91, with_interval=0.5))
    assert validity.broken(replace(useless, width_ratio=1.06))
    assert validity.broken(replace(few, undetermined=0.99))


def test_the_committed_table_is_that_of_these_regimes() -> None:
    with BENCHMARK.with_suffix(".csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["regime"] for row in rows] == [*REGIMES]
    page = BENCHMARK.with_suffix(".md").read_text("utf-8")
    assert "BROKEN" not in page
    assert f"seed {validity.SEED}, " in page
    for regime, row in zip(validity.REGIMES, rows, strict=True):
        assert f"- {regime.name}: {regime.about}." in page
        assert row["tolerance"] == f"{regime.tolerance:g}"


@pytest.mark.slow
@pytest.mark.parametrize("name", REGIMES)
def test_claims_hold_in_every_regime(name: str) -> None:
    assert not validity.broken(validity.simulate(REGIMES[name], 250), N_ERRORS)
