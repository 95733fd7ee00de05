"""What must a reader know before reading a comparison?"""

from collections.abc import Iterator, Sequence
from itertools import combinations

from judgefair.comparison.comparison import Context, Difference, Judge
from judgefair.comparison.held import Held
from judgefair.comparison.panels import Panel
from judgefair.estimation.same_family import same_family_note
from judgefair.models.family import FAMILIES
from judgefair.reporting.words import only_level
from judgefair.validation.judged import PILOT

MANY_LEFT_OUT = 0.05
GATED_SPLITS = ("test", "all")
"""Where the validity gate counts: on the locked test split, and where a set has no splits."""


def cautions(
    contexts: Sequence[Context],
    judges: Sequence[Judge],
    differences: Sequence[Difference],
    held: Sequence[Held] = (),
    panels: Sequence[Panel] = (),
) -> list[str]:
    """In words, each once."""
    told = [*_splits(contexts), *_shared_sets(contexts), *_left_out(differences), *_several_programs(judges)]
    told += [note for each in held if (note := same_family_note(each.judge, each.system)) is not None]
    told += [*_pilots(held), *_constant(held)]
    return list(dict.fromkeys([*told, *(note for panel in panels for note in kin_of(panel))]))


def kin_of(panel: Panel) -> Iterator[str]:
    """Judges of one panel that are of one model family, which counts for fewer judges than it has.

    Shared architectures and providers are among what makes errors of models correlate (Kim, Garg, Peng and Garg 2025, "Correlated
    Errors in Large Language Models"); those of accurate models correlate without them too.
    """
    for of, names in panel.kin.items():
        who = f"{', '.join(names[:-1])} and {names[-1]}"
        alike = f"of one family ({of}), as far as their names tell" if of in FAMILIES else f"one model ({of})"
        yield f"{panel.context}: {who} are {alike}: their errors are likely to be shared (Kim et al. 2025)."


def _pilots(held: Sequence[Held]) -> Iterator[str]:
    """Contexts of which only some items were judged."""
    for each in held:
        for note in each.validation.notes if each.validation is not None else ():
            if note.startswith(PILOT):
                yield f"{each.used_in}: {note}"


def _constant(held: Sequence[Held]) -> Iterator[str]:
    """Judges that said one thing of everything, beside which another looks able and a third alike."""
    for each in held:
        for criterion in each.validation.scales if each.validation is not None else ():
            level = only_level(each.validation, criterion) if each.validation is not None else None
            if level is not None:
                yield (
                    f"{each.used_in}, {criterion}: {each.judge} gave every item {level}. That another agrees better, or errs as it does, "
                    "says nothing of either's skill."
                )


def _splits(contexts: Sequence[Context]) -> Iterator[str]:
    others = [context.name for context in contexts if context.split not in GATED_SPLITS]
    if others:
        yield f"The gate counts on the locked test split; elsewhere it is a preview: {'; '.join(others)}."


def _shared_sets(contexts: Sequence[Context]) -> Iterator[str]:
    """Contexts that are no independent evidence."""
    for one, other in combinations(contexts, 2):
        if one.set_id == other.set_id and {one.split, other.split} not in ({"train", "dev"}, {"train", "test"}, {"dev", "test"}):
            yield f"{one.name} and {other.name} share items of {one.set_id}: what one shows is no second evidence of what the other shows."


def _left_out(differences: Sequence[Difference]) -> Iterator[str]:
    """Pairs whose comparison rests on fewer items than there are, which may be the easier ones."""
    told: dict[tuple[str, str], list[str]] = {}
    for difference in differences:
        estimate = difference.agreement.estimate
        n = estimate.n_items + estimate.n_missing
        if n and estimate.n_missing > MANY_LEFT_OUT * n:
            pair = f"{difference.first} and {difference.second} on {estimate.n_items:,} of {n:,}"
            told.setdefault((difference.context, difference.criterion), []).append(pair)
    for (context, criterion), pairs in told.items():
        yield f"{context}, {criterion}: judges are compared on the items that both rated, {'; '.join(pairs)}. The others may be harder."


def _several_programs(judges: Sequence[Judge]) -> Iterator[str]:
    for name in dict.fromkeys(judge.judge for judge in judges if judge.program is not None):
        yield f"{name} stands in a row for each of its programs, since one context holds several of them."
