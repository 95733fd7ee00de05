"""Does the two-way variance count clusters and raters, and never less than either alone?"""

from math import isnan

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from judgefair.statistics.clustered import two_way_mean


def simulate(rng: np.random.Generator, n_clusters: int = 15, n_raters: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values with an effect of their cluster and of their rater, and the codes of both; a cell has one or two ratings, or none."""
    clusters, raters = (each.ravel() for each in np.mgrid[:n_clusters, :n_raters])
    keep = np.repeat(np.arange(len(clusters)), rng.integers(0, 3, len(clusters)))
    clusters, raters = clusters[keep], raters[keep]
    values = rng.normal(size=n_clusters)[clusters] + rng.normal(size=n_raters)[raters] + rng.normal(size=len(keep))
    return values, clusters, raters


@pytest.mark.parametrize("seed", range(4))
def test_a_two_way_mean_has_the_standard_error_of_a_two_way_clustered_regression_on_a_constant(seed: int) -> None:
    # statsmodels has G/(G - 1) (N - 1)/(N - K) in each of the three terms; with the constant alone K = 1.
    values, clusters, raters = simulate(np.random.default_rng(seed))
    theirs = sm.OLS(values, np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": np.column_stack([clusters, raters])}, use_t=True
    )
    mean = two_way_mean(values, np.ones(len(values), dtype=bool), clusters, raters)
    low, high, se, p_value, note = mean.interval(0.95)
    assert mean.value == pytest.approx(theirs.params[0], abs=1e-12)
    assert se == pytest.approx(theirs.bse[0], rel=1e-10)
    # The t has one degree of freedom less than there are raters, 12 beside 15 clusters.
    assert (low, high) == pytest.approx((mean.value - stats.t.ppf(0.975, 11) * se, mean.value + stats.t.ppf(0.975, 11) * se))
    assert p_value == pytest.approx(2 * stats.t.sf(abs(mean.value) / se, 11), rel=1e-9)
    assert note == ""


@pytest.mark.parametrize("seed", range(4))
def test_a_difference_has_the_standard_error_of_a_two_way_clustered_regression_on_the_part(seed: int) -> None:
    # With a constant and a dummy K = 2, and their variance is ours times (N - 1)/(N - 2).
    rng = np.random.default_rng(seed)
    values, clusters, raters = simulate(rng, 20)
    part = rng.random(len(values)) < 0.4
    theirs = sm.OLS(values, sm.add_constant(part.astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": np.column_stack([clusters, raters])}
    )
    difference = two_way_mean(values, part, clusters, raters).minus(two_way_mean(values, ~part, clusters, raters))
    n = len(values)
    one_way = [
        sm.OLS(values, sm.add_constant(part.astype(float))).fit(cov_type="cluster", cov_kwds={"groups": codes}).bse[1]
        for codes in (clusters, raters)
    ]
    se, note = difference.interval(0.95)[2::2]
    assert difference.value == pytest.approx(theirs.params[1], abs=1e-12)
    assert se == pytest.approx(max(theirs.bse[1], *one_way) * ((n - 2) / (n - 1)) ** 0.5, rel=1e-10)
    assert ("is used" in note) == (theirs.bse[1] < max(one_way))


def test_where_the_two_way_variance_is_negative_the_larger_one_way_variance_is_used_and_said() -> None:
    # Values spread within clusters and within raters and hardly between, as in a Latin square.
    values = np.array([[0.0, 1.0, 2.0], [1.0, 2.0, 0.0], [2.0, 0.0, 1.3]]).ravel()
    clusters, raters = (each.ravel() for each in np.mgrid[:3, :3])
    raters[-1] = 1
    mean = two_way_mean(values, np.ones(9, dtype=bool), clusters, raters)
    deviations = values - values.mean()
    by_rater = 3 / 2 * sum(deviations[raters == r].sum() ** 2 for r in range(3)) / 81
    by_cluster = 3 / 2 * sum(deviations[clusters == c].sum() ** 2 for c in range(3)) / 81
    cells = np.unique(3 * clusters + raters, return_inverse=True)[1]
    by_cell = 8 / 7 * (np.bincount(cells, deviations) ** 2).sum() / 81
    assert by_cluster + by_rater - by_cell < 0 < by_rater < by_cluster
    se, note = mean.interval(0.95)[2::2]
    assert se**2 == pytest.approx(by_cluster, rel=1e-12)
    assert note == "the two-way variance was smaller than that over clusters alone, which is used"


def test_clusters_of_one_rating_leave_the_variance_between_raters() -> None:
    values, _, raters = simulate(np.random.default_rng(5))
    mean = two_way_mean(values, np.ones(len(values), dtype=bool), np.arange(len(values)), raters)
    theirs = sm.OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": raters})
    assert mean.interval(0.95)[2] == pytest.approx(theirs.bse[0], rel=1e-10)
    assert mean.interval(0.95)[4] == ""


@pytest.mark.parametrize(("clusters", "raters"), [([0, 0, 0], [0, 1, 2]), ([0, 1, 2], [1, 1, 1])])
def test_one_cluster_or_one_rater_leaves_no_interval(clusters: list[int], raters: list[int]) -> None:
    mean = two_way_mean(np.array([1.0, 2.0, 4.0]), np.ones(3, dtype=bool), np.array(clusters), np.array(raters))
    low, high, se, p_value, note = mean.interval(0.95)
    assert isnan(low)
    assert isnan(high)
    assert isnan(se)
    assert p_value is None
    assert note == "no interval: a mean of one cluster or of one rater"


def test_no_row_leaves_no_mean() -> None:
    codes = np.arange(2)
    assert isnan(two_way_mean(np.ones(2), np.zeros(2, dtype=bool), codes, codes).value)
