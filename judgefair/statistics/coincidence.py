"""Observed and expected disagreement, from sums over units that can be weighted.

Alpha is a function of sums, so that a bootstrap needs only those sums per unit (Krippendorff 2011, "Computing
Krippendorff's alpha-reliability"). Which sums, depends on the level of measurement:

nominal   n_c for each value c, and the unit's disagreeing pairs
interval  n, sum x, sum x^2, and the unit's squared differences
ordinal   the coincidences o_ck, since the distance of two values depends on all n_c
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from judgefair.statistics.resample import Floats

Terms: TypeAlias = Floats | sparse.csr_matrix
MEASUREMENTS = ("nominal", "ordinal", "interval")


def within_terms(counts: NDArray[np.int64], domain: Floats, level: str) -> Terms:
    """Terms of units whose raters are compared with each other: `counts` (n_units, n_values), at least 2 a row."""
    m = counts.sum(1)
    if level == "nominal":
        return np.column_stack([counts, (counts * (m[:, None] - counts)).sum(1) / (m - 1)])
    if level == "interval":
        x = _standardised(domain)
        first, second = counts @ x, counts @ x**2
        return np.column_stack([m, first, second, (2 * m * second - 2 * first**2) / (m - 1)])
    unit, c, k = _pairs_within(counts)
    o_ck = counts[unit, c] * (counts[unit, k] - (c == k)) / (m[unit] - 1)
    return _coincidences(unit, c, k, o_ck, counts.shape)


def between_terms(judge: NDArray[np.int64], counts: NDArray[np.int64], domain: Floats, level: str) -> Terms:
    """Terms of units whose judge is compared with each of their m_u raters, each pair weighing 1/m_u both ways.

    `judge` (n_units,) indices into `domain`, `counts` (n_units, n_values), at least 1 a row.
    """
    share = counts / counts.sum(1, keepdims=True)
    units = np.arange(len(counts))
    if level == "nominal":
        totals = share.copy()
        totals[units, judge] += 1
        return np.column_stack([totals, 2 * (1 - share[units, judge])])
    if level == "interval":
        standard = _standardised(domain)
        x, first, second = standard[judge], share @ standard, share @ standard**2
        return np.column_stack([np.full(len(counts), 2), x + first, x**2 + second, 2 * (x**2 - 2 * x * first + second)])
    unit, k = np.nonzero(counts)
    j, weight = judge[unit], share[unit, k]
    units, c, k_, o_ck = (np.concatenate(pair) for pair in ((unit, unit), (j, k), (k, j), (weight, weight)))
    return _coincidences(units, c, k_, o_ck, counts.shape)


def alpha_from_sums(sums: Floats, level: str) -> Floats:
    """Alpha for each row of summed terms (r, t); nan where the expected disagreement is 0."""
    if level == "nominal":
        n_c, observed = sums[:, :-1], sums[:, -1]
        n = n_c.sum(1)
        expected = n**2 - (n_c**2).sum(1)
    elif level == "interval":
        n, first, second, observed = sums.T
        expected = 2 * n * second - 2 * first**2
    else:
        size = round(np.sqrt(sums.shape[1]))
        o_ck = sums.reshape(-1, size, size)
        n_c = o_ck.sum(2)
        n = n_c.sum(1)
        rank = np.cumsum(n_c, axis=1) - n_c / 2
        observed = np.einsum("rck,rck->r", o_ck, (rank[:, :, None] - rank[:, None, :]) ** 2)
        expected = 2 * n * (n_c * rank**2).sum(1) - 2 * (n_c * rank).sum(1) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 1e-9 * np.maximum(n, 1) ** 2, 1 - (n - 1) * observed / expected, np.nan)


def _standardised(domain: Floats) -> Floats:
    """Values about 0 and within 1: interval alpha depends on neither origin nor unit, sums of squares lose digits to both."""
    standard: Floats = (domain - domain.mean()) / np.ptp(domain)
    return standard


def _pairs_within(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Unit and both values of every ordered pair of values that occurs in a unit."""
    unit, value = np.nonzero(counts)
    per_unit = np.bincount(unit, minlength=len(counts))
    first = np.cumsum(per_unit) - per_unit
    repeats = per_unit[unit]
    left = np.repeat(np.arange(len(unit)), repeats)
    offset = np.arange(len(left)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    right = first[unit[left]] + offset
    return unit[left], value[left], value[right]


def _coincidences(
    unit: NDArray[np.int64], c: NDArray[np.int64], k: NDArray[np.int64], o_ck: Floats, shape: tuple[int, ...]
) -> sparse.csr_matrix:
    n_units, n_values = shape
    return sparse.coo_matrix((o_ck, (unit, c * n_values + k)), shape=(n_units, n_values**2)).tocsr()


def value_counts(values: Floats) -> tuple[NDArray[np.int64], Floats]:
    """How many raters gave unit u the value c: (n_units, n_values), and the values, sorted. nan is no rating."""
    rater, unit = np.nonzero(~np.isnan(values))
    rated = values[rater, unit]
    domain = np.unique(rated)
    codes = np.searchsorted(domain, rated)  # a third of the time of np.unique's own inverse
    cells = np.bincount(unit * len(domain) + codes, minlength=values.shape[1] * len(domain))
    return cells.reshape(values.shape[1], len(domain)).astype(np.int64), domain


def check_level(level: str) -> None:
    """ValueError for a level of measurement that has no distance here."""
    if level not in MEASUREMENTS:
        raise ValueError(f"level is {level!r}. Expected one of: {', '.join(MEASUREMENTS)}")
