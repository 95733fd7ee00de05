"""Which scenarios does a reader learn from, so that it reads none that it knows?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FOLDS = 5


def folds(scenarios: Sequence[str], seed: int) -> NDArray[np.int64]:
    """A fold for each text, the same for all texts of a scenario: five folds, or as many as there are scenarios.

    >>> found = folds(["tides", "opening", "tides"], seed=0)
    >>> bool(found[0] == found[2] != found[1])
    True
    """
    names, codes = np.unique(np.asarray(scenarios), return_inverse=True)
    dealt = np.random.default_rng(seed).permutation(len(names)) % min(FOLDS, len(names))
    return dealt[codes].astype(np.int64)
