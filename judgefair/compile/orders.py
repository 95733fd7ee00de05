"""What does a judge say of two responses, once each of them was shown first?"""

from judgefair.compile.parse import Judgment
from judgefair.records import Missing
from judgefair.rubric.scale import Scale


def of_both_orders(as_written: Judgment, swapped: Judgment, scale: Scale) -> Judgment:
    """One judgment of the item's own order from what was said in each order shown.

    Where both say one level, it is that. Where they differ, it is a tie, or no level where no tie is allowed; the distribution
    then has half of each, so that the mean of codes is free of a preference for what is shown first. Where one is missing, so
    is the judgment (Zheng et al. 2023, "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena", section 4).

    Parameters
    ----------
    as_written, swapped : as the judge gave them, each in the order that it was shown.

    >>> from judgefair.rubric.scale import parse_scale
    >>> both = of_both_orders(Judgment("a"), Judgment("a"), parse_scale("pairwise:a,b,tie"))
    >>> both.value, dict(both.distribution), both.orders
    ('tie', {'a': 0.5, 'b': 0.5}, ('a', 'b'))
    """
    turned = _turned(swapped, scale)
    orders = (as_written.value, turned.value)
    for value, which in zip(orders, ("as they are", "swapped"), strict=True):
        if isinstance(value, Missing):
            told = Missing(value.reason, f"with the responses {which}: {value.detail or value.reason}")
            return Judgment(told, orders=orders)
    rationale = "\n".join(
        f"{which}: {said.rationale}" for which, said in (("As they are", as_written), ("Swapped", swapped)) if said.rationale
    )
    is_one = as_written.value == turned.value
    ties = list(scale.levels)[2:]
    value = as_written.value if is_one else ties[0] if ties else None
    if is_one and as_written.distribution is None:
        return Judgment(value, rationale or None, None, orders)
    shares = [said.distribution or {str(said.value): 1.0} for said in (as_written, turned)]
    halves = {name: sum(share.get(name, 0.0) for share in shares) / 2 for share in shares for name in share}
    return Judgment(value, rationale or None, halves, orders)


def _turned(judgment: Judgment, scale: Scale) -> Judgment:
    """What was said of swapped responses, as levels of the item's own order."""
    mirror = {str(level): scale.level(-scale.code(level)) for level in scale.levels}
    if isinstance(judgment.value, Missing):
        return judgment
    shares = judgment.distribution
    turned = None if shares is None else {str(mirror[name]): share for name, share in shares.items()}
    return Judgment(mirror[str(judgment.value)], judgment.rationale, turned)
