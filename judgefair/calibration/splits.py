"""Which items may an optimiser see, and which are locked away?"""

from collections.abc import Sequence

from judgefair.fingerprint import fingerprint
from judgefair.records import Item

SPLITS = ("train", "dev", "test")
_PATTERN = ("test", "train", "dev", "train", "test")
"""Of any five scenarios that follow each other two go to train, one to dev and two to test."""


def assign_splits(items: Sequence[Item]) -> dict[str, str]:
    """The split of each item, by item_id.

    Scenarios stay whole. They are put in order by their populations, then by the hash of their id, and dealt out by a
    fixed pattern of five, so that every population is spread over the splits as evenly as it can be (systematic
    sampling within strata). Nothing is random: the same items always fall the same way.

    >>> from collections import Counter
    >>> items = [Item(str(i), "", "", {"axis": "ab"[i % 2]}) for i in range(20)]
    >>> sorted(Counter(assign_splits(items).values()).items())
    [('dev', 4), ('test', 8), ('train', 8)]
    """
    strata: dict[str, set[tuple[str, str]]] = {}
    for item in items:
        strata.setdefault(item.unit, set()).update(item.populations.items())
    order = sorted(strata, key=lambda unit: (sorted(strata[unit]), fingerprint(unit)))
    split_of = {unit: _PATTERN[i % len(_PATTERN)] for i, unit in enumerate(order)}
    return {item.item_id: split_of[item.unit] for item in items}
