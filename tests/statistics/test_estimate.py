"""Does every reported number carry what stands behind it?"""

import dataclasses
import json
from math import isnan, nan

import numpy as np
import pytest

from judgefair.statistics import Estimate, alpha, judge_alpha, judge_error, kappa, leave_one_out, missing_rate
from judgefair.statistics.estimate import undefined

FIELDS = {
    "estimand", "value", "low", "high", "level", "se", "p_value", "n_items", "n_clusters", "n_raters", "n_missing", "method",
    "seed", "source",
}  # fmt: skip
JUDGE = np.array([1.0, 2.0, 3.0, 3.0, 2.0, 1.0])
HUMANS = np.array([[1.0, 2.0, 3.0, 2.0, 2.0, 2.0], [1.0, 3.0, 3.0, 3.0, 1.0, 1.0]])


def every_estimate() -> list[Estimate]:
    losses = leave_one_out(JUDGE, HUMANS)
    error = judge_error(JUDGE, HUMANS[0], list("aaabbb"), "b")
    return [
        alpha(HUMANS, "ordinal"),
        judge_alpha(JUDGE, HUMANS, "ordinal"),
        kappa(JUDGE, HUMANS[0], "quadratic"),
        losses.human,
        losses.judge,
        losses.difference,
        *error.by_population.values(),
        *error.gaps.values(),
        missing_rate([True, False, False], "refused"),
    ]


def test_an_estimate_has_the_fields_of_the_design() -> None:
    assert {field.name for field in dataclasses.fields(Estimate)} == FIELDS


def test_nan_becomes_null_in_json() -> None:
    data = Estimate("judge_error", nan, method="undefined: no row").to_json()
    assert (data["value"], data["low"], data["high"], data["se"], data["p_value"]) == (None,) * 5
    assert set(data) == FIELDS


def test_zero_stays_zero_in_json() -> None:
    assert Estimate("judge_error", 0.0, p_value=0.0).to_json()["value"] == 0.0


@pytest.mark.parametrize("estimate", every_estimate(), ids=lambda estimate: estimate.estimand)
def test_every_estimate_is_strict_json_and_comes_back_whole(estimate: Estimate) -> None:
    data = json.loads(json.dumps(estimate.to_json(), allow_nan=False))
    assert data == estimate.to_json()


@pytest.mark.parametrize("estimate", every_estimate(), ids=lambda estimate: estimate.estimand)
def test_every_estimate_says_its_method_source_and_what_it_rests_on(estimate: Estimate) -> None:
    assert estimate.method
    assert estimate.source
    assert estimate.n_items > 0
    assert estimate.n_clusters > 0
    assert estimate.level == 0.95


def test_the_interval_names_the_unit_that_was_resampled() -> None:
    scenarios = list("xxyyzz")
    assert "6 items" in alpha(HUMANS, "nominal").method
    assert "3 scenarios" in alpha(HUMANS, "nominal", scenarios).method
    assert "3 scenarios" in judge_alpha(JUDGE, HUMANS, "nominal", scenarios).method
    assert "3 scenarios" in leave_one_out(JUDGE, HUMANS, scenarios).human.method
    assert "3 clusters" in kappa(JUDGE, HUMANS[0], clusters=scenarios).method


def test_an_undefined_estimate_has_a_reason_and_no_number() -> None:
    estimate = undefined("alpha.human", "no item has two ratings", n_items=0)
    assert isnan(estimate.value)
    assert not estimate.is_defined
    assert estimate.method == "undefined: no item has two ratings"


def test_a_renamed_estimate_differs_in_its_name_alone() -> None:
    estimate = kappa(JUDGE, HUMANS[0])
    renamed = estimate.renamed("kappa.judge_human")
    assert renamed.to_json() == {**estimate.to_json(), "estimand": "kappa.judge_human"}


def test_an_estimate_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Estimate("alpha.human", 0.5).value = 0.9  # type: ignore[misc]


def test_a_seed_is_kept_and_a_generator_is_not() -> None:
    assert alpha(HUMANS, "nominal", rng=7).seed == 7
    assert alpha(HUMANS, "nominal", rng=np.random.default_rng(7)).seed is None
