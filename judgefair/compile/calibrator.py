"""What do humans say where the judge gives a level? A table learned on train, applied to every rating alike."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from judgefair.rubric.scale import Scale

if TYPE_CHECKING:
    from judgefair.compile.labelled import Said

Calibrator = Mapping[str, Mapping[str, float]]
"""By the judge's level, the probability of each level by humans; levels as text."""


def fit_calibrator(judge: Sequence[float], said: Sequence["Said"], scale: Scale) -> dict[str, dict[str, float]]:
    """The distribution of human levels given the judge's level, never falling as the judge's level rises.

    For each level the share of humans at or above it is regressed on the judge's level, isotonically (isotonic distributional
    regression: Henzi, Ziegel and Gneiting 2021, J. R. Stat. Soc. B 83). Items count alike, however many rated them.

    Parameters
    ----------
    judge : (n_items,) codes of the judge's levels.
    said : what humans said of the same items.
    scale : with points and listed levels.

    >>> from judgefair.compile.labelled import Said
    >>> from judgefair.rubric import parse_scale
    >>> said = [Said(np.array([level]), level, ()) for level in (1.0, 1.0, 2.0)]
    >>> fit_calibrator([2, 2, 3], said, parse_scale("ordinal:1-3"))["2"]
    {'1': 1.0, '2': 0.0, '3': 0.0}
    """
    from sklearn.isotonic import IsotonicRegression

    levels = sorted(scale.levels, key=scale.code)
    codes = np.array([scale.code(level) for level in levels])
    at_or_above = np.array([[(one.codes >= code).mean() for code in codes] for one in said])
    given = np.asarray(judge, dtype=float)
    above = np.ones((len(codes), len(codes) + 1))
    above[:, -1] = 0
    for k in range(1, len(codes)):
        above[:, k] = IsotonicRegression(out_of_bounds="clip").fit(given, at_or_above[:, k]).predict(codes)
    shares = np.round(np.clip(-np.diff(above, axis=1), 0, None), 9)
    shares /= shares.sum(axis=1, keepdims=True)
    names = [str(level) for level in levels]
    return {name: dict(zip(names, map(float, row), strict=True)) for name, row in zip(names, shares, strict=True)}


def calibrated(calibrator: Calibrator, chances: Mapping[str, float]) -> dict[str, float]:
    """The probability of each human level, where the judge's level is known up to these chances.

    >>> calibrated({"0": {"0": 0.9, "1": 0.1}, "1": {"0": 0.5, "1": 0.5}}, {"0": 0.5, "1": 0.5})
    {'0': 0.7, '1': 0.3}
    """
    return {level: round(sum(chance * calibrator[given][level] for given, chance in chances.items()), 12) for level in calibrator}
