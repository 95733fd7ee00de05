"""What does an interval for alpha cost? 2,000 resamples of 100,000 items x 5 raters beside one plain krippendorff.alpha.

Run as `python benchmarks/alpha_bootstrap.py`. Both sides get the same array, one after the other, five times; the ratio is
the median of the five. Exits with 1 where a ratio reaches 3.
"""

import time
from collections.abc import Callable
from statistics import median

import krippendorff
import numpy as np

from judgefair.statistics import alpha

N_RATERS, N_ITEMS, N_RESAMPLES, N_PAIRS, REQUIRED = 5, 100_000, 2000, 5, 3.0


def ratings() -> np.ndarray:
    """Five raters of the same items on a scale of 1 to 5, a tenth of the ratings missing."""
    rng = np.random.default_rng(0)
    seen = rng.normal(size=N_ITEMS) + 0.8 * rng.normal(size=(N_RATERS, N_ITEMS))
    return np.where(rng.random(seen.shape) < 0.1, np.nan, np.clip(np.round(seen + 3), 1, 5))


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(values: np.ndarray, level: str) -> float:
    """Print each pair and the median ratio; return the latter."""
    pairs = []
    for _ in range(N_PAIRS):
        ours = seconds(lambda: alpha(values, level, n_resamples=N_RESAMPLES))
        theirs = seconds(lambda: krippendorff.alpha(values, level_of_measurement=level))
        pairs.append((ours, theirs))
        print(f"  {level:9} alpha with interval {ours:6.3f} s   krippendorff.alpha {theirs:6.3f} s   ratio {ours / theirs:5.2f}")
    ratio = median(ours / theirs for ours, theirs in pairs)
    print(f"{level}: median ratio {ratio:.2f} (required: below {REQUIRED:g})")
    return ratio


def main() -> int:
    """0 where every level of measurement is below the required ratio."""
    values = ratings()
    print(f"{N_ITEMS:,} items x {N_RATERS} raters, {N_RESAMPLES:,} resamples, {N_PAIRS} pairs")
    for level in ("nominal", "ordinal", "interval"):  # neither side pays for first calls
        alpha(values[:, :1000], level, n_resamples=10)
        krippendorff.alpha(values[:, :1000], level_of_measurement=level)
    return int(max(measure(values, level) for level in ("nominal", "ordinal", "interval")) >= REQUIRED)


if __name__ == "__main__":
    raise SystemExit(main())
