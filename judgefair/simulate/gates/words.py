"""Which words of a text carry what it is about?"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from judgefair.records import Query
from judgefair.rubric.context import Axis, Context
from judgefair.simulate.plan import NEUTRAL

WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
MIN_LETTERS = 3  # "bus" and "rap" say what a text is about
VERSION = re.compile(r"-\d+$")
UNSPACED = frozenset({"zh", "ja", "th", "lo", "km", "my"})
ENDINGS = ("ings", "ing", "ies", "ied", "es", "ed", "ly", "s")
FUNCTION_WORDS = frozenset(
    WORD.findall("""
    about above after again against ain ain't all almost along already also although always among and another any anybody anyone
    anything are aren't around because been before being below between both but can can't cannot could couldn't did didn't does
    doesn't doing don't down during each either else enough even ever every everybody everyone everything few for from further
    gonna gotta had hadn't has hasn't have haven't having her here hers herself him himself his how however i'd i'll i'm i've
    into isn't it's its itself just least less let let's lot many may maybe might mine more most much must myself neither never
    nobody none nor not nothing now off often once one only onto other others our ours ourselves out over own perhaps quite
    rather really same shall she should shouldn't since some somebody someone something soon still such than that that's the
    their theirs them themselves then there there's these they they're this those though through thus too toward towards under
    until upon very was wasn't were weren't what what's whatever when where whether which while who whom whose why will with
    within without won't would wouldn't yes yet you you're your yours yourself
    """)
)


@lru_cache(maxsize=20_000)
def words(text: str) -> tuple[str, ...]:
    """Words in lower case, in order, without numbers.

    >>> words("Ain't nobody read my 2 pages.")
    ("ain't", 'nobody', 'read', 'my', 'pages')
    """
    return tuple(WORD.findall(text.lower().replace("’", "'")))


def numbers(text: str) -> set[str]:
    """Numbers as they are written in digits.

    >>> sorted(numbers("19 of 24 paid 1.50."))
    ['1.50', '19', '24']
    """
    return set(NUMBER.findall(text))


@lru_cache(maxsize=20_000)
def content_stems(text: str) -> frozenset[str]:
    """Crude stems of the words that carry the subject: three letters or more, and no function words of English.

    >>> sorted(content_stems("The buses are running late."))
    ['bus', 'lat', 'run']
    """
    return frozenset(stem(word) for word in words(text) if len(word) >= MIN_LETTERS and word not in FUNCTION_WORDS)


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """A word without its commonest English endings, so that inflection does not count; three letters are always left.

    >>> [stem(word) for word in ("require", "required", "studies", "studying", "class", "classes", "student's")]
    ['requir', 'requir', 'stud', 'stud', 'class', 'class', 'student']
    """
    word = word.removesuffix("'s").removesuffix("'")
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= MIN_LETTERS and not word.endswith("ss"):
            word = word.removesuffix(ending)
            break
    if len(word) > MIN_LETTERS and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    return word[:-1] if len(word) > MIN_LETTERS and word[-1] in "eyi" else word


def declared_cues(axes: Iterable[Axis]) -> list[str]:
    """Every cue that the rubric has, of every group."""
    return [text for axis in axes for group in axis.groups.values() for texts in (group.cues or {}).values() for text in texts]


def is_spaced(query: Query) -> bool:
    """Whether its language parts words by spaces, which gates that compare words need."""
    return query.language.split("-")[0] not in UNSPACED


def neutral_queries(queries: Sequence[Query]) -> dict[str, Query]:
    """The neutral query of each block that has one."""
    return {query.block_id: query for query in queries if query.arm == NEUTRAL}


def written_scenarios(queries: Iterable[Query], context: Context) -> dict[str, str]:
    """By `scenario_id`, the scenario as its author wrote it.

    Versions of a scenario that differ in a fact alone are nearly the same text: none is a duplicate of another, and who has
    read one has read them all.
    """
    known = {scenario.id for scenario in context.scenarios}
    ids = {query.scenario_id for query in queries}
    return {name: written if name not in known and (written := VERSION.sub("", name)) in known else name for name in ids}
