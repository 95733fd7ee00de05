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
pytestmark = pytest.mark.skipif(not BENCHMARK.is_file(), reason="the benchmarks are not part of an installed package")


def _loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("validity", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["validity"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def validity() -> ModuleType:
    return _loaded()


REGIMES = [regime.name for regime in _loaded().REGIMES] if BENCHMARK.is_file() else []
FAST = ["judge makes a gap", "25 labels", "20 labels", "judge missing, boundary"]
N_ERRORS = 3.5
"""A right claim fails a test by chance less than once in 4,000."""


def regime_of(validity: ModuleType, name: str) -> object:
    return next(regime for regime in validity.REGIMES if regime.name == name)


def one_group(validity: ModuleType, **changed: object) -> object:
    return replace(validity.REGIMES[0], **changed)


def test_the_true_mean_is_that_of_normal_probabilities(validity: ModuleType) -> None:
    # merit + noise is normal with variance 1 + 0.6^2, so the share of ratings above a cut is Phi((merit - cut) / sqrt(1.36));
    # at merit 0.5: Phi(1.71499) + Phi(0.85749) + Phi(0) + Phi(-0.85749) = 0.95683 + 0.80442 + 0.5 + 0.19558
    world = validity.World(one_group(validity, noise=0.6))
    assert world.mean(0.5) == pytest.approx(1 + 0.95683 + 1.5, abs=1e-5)


def test_the_true_gaps_are_the_wanted_multiples_of_the_tolerance(validity: ModuleType) -> None:
    regime = regime_of(validity, "12 populations")
    world = validity.World(regime)
    assert world.gap_of_rated == pytest.approx(np.array(regime.gaps) * regime.tolerance, abs=1e-10)


@pytest.mark.parametrize("name", ["judge missing by population", "binary, rare", "shared scenarios", "missing at random"])
def test_a_large_draw_finds_the_true_gap_among_rated_items(validity: ModuleType, name: str) -> None:
    regime = regime_of(validity, name)
    n = len(regime.items)
    everything = replace(regime, items=(200_000,) * n, labels=(200_000,) * n)
    world = validity.World(everything)
    drawn = world.draw(np.random.default_rng(0))
    rated = ~np.isnan(drawn.judge) & ~np.isnan(drawn.human)
    means = np.array([drawn.human[rated & (world.code == k)].mean() for k in range(n)])
    assert means[1:] - means[0] == pytest.approx(world.gap_of_rated, abs=0.015)  # more than 4 standard errors


def test_a_replication_depends_on_nothing_but_seed_name_and_number(validity: ModuleType) -> None:
    regime = regime_of(validity, "25 labels, binary")
    tell = [*validity.COLUMNS.values(), *validity.MORE.values()]
    first, again, other = (validity.simulate(regime, 20, seed) for seed in (1, 1, 2))
    assert [told(first) for told in tell] == [told(again) for told in tell]
    assert [told(first) for told in tell] != [told(other) for told in tell]


def test_the_regimes_have_names_of_their_own_and_fit_their_populations(validity: ModuleType) -> None:
    assert len(set(REGIMES)) == len(REGIMES) >= 12
    for regime in validity.REGIMES:
        n = len(regime.items)
        assert len(regime.labels) == n == len(regime.gaps) + 1, regime.name
        assert {len(x) for x in (regime.bias, regime.judge_missing, regime.human_missing)} <= {0, n}, regime.name


@pytest.mark.parametrize("name", FAST)
def test_claims_hold_in_a_few_replications(validity: ModuleType, name: str) -> None:
    assert not validity.broken(validity.simulate(regime_of(validity, name), 120), N_ERRORS)


def test_too_few_labels_are_always_undetermined(validity: ModuleType) -> None:
    assert validity.simulate(regime_of(validity, "20 labels"), 30).undetermined == 1


def test_the_study_sees_that_the_judges_own_gap_is_wrong(validity: ModuleType) -> None:
    assert validity.simulate(regime_of(validity, "judge makes a gap"), 40).raw_coverage < 0.2


def test_labels_that_are_no_random_sample_are_seen_to_break_coverage(validity: ModuleType) -> None:
    result = validity.simulate(replace(regime_of(validity, "labels not at random"), holds=True), 80)
    assert any("coverage" in problem for problem in validity.broken(result, N_ERRORS))


def test_every_claim_can_break(validity: ModuleType) -> None:
    regime = one_group(validity, is_useless=True, narrows=True)
    fine = replace(validity.simulate(regime, 2), n_replications=2000, error=0.005, coverage=0.95, together=0.95, width_ratio=0.7)
    assert not validity.broken(fine)
    for name, value in {
        "coverage": 0.9, "together": 0.9, "width_ratio": 1.1, "false_disparity": 0.08, "false_equivalence": 0.08,
    }.items():  # fmt: skip
        assert validity.broken(replace(fine, **{name: value})), name
    assert validity.broken(replace(fine, coverage=0.99))
    few = replace(fine, regime=regime_of(validity, "20 labels"), undetermined=1.0)
    assert not validity.broken(few)
    assert validity.broken(replace(few, undetermined=0.99))


def test_the_committed_table_is_that_of_these_regimes(validity: ModuleType) -> None:
    with BENCHMARK.with_suffix(".csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["regime"] for row in rows] == REGIMES
    page = BENCHMARK.with_suffix(".md").read_text("utf-8")
    assert "BROKEN" not in page
    assert f"seed {validity.SEED}, {validity.N_REPLICATIONS:,} replications" in page
    for regime, row in zip(validity.REGIMES, rows, strict=True):
        assert f"- {regime.name}: {regime.about}." in page
        assert row["tolerance"] == f"{regime.tolerance:g}"


@pytest.mark.slow
@pytest.mark.parametrize("name", REGIMES)
def test_claims_hold_in_every_regime(validity: ModuleType, name: str) -> None:
    assert not validity.broken(validity.simulate(regime_of(validity, name), 300), N_ERRORS)
