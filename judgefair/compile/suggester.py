"""Which words of a criterion let a judge read it otherwise than people did, and how should they read?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from judgefair.compile.fence import JUDGED
from judgefair.compile.fence import fence as judged_fence
from judgefair.compile.labelled import Said
from judgefair.compile.text_program import GIVEN, Output, TextProgram, make_program
from judgefair.records import UNPRINTABLE, Item, Level
from judgefair.rubric.criterion import Criterion
from judgefair.rubric.strict_yaml import KeyPath

MAX_TOKENS = 700
MOST_CHARACTERS = 400

_INSTRUCTIONS = """\
Help the people who keep a rubric to word one criterion better.

`question` is what a rater answers, `levels` says what each level means, and `not_applicable` when the question does not apply. A judge
that went by exactly these words rated some responses otherwise than people did. Each of these disagreements has a number below.

Find what in the words let the judge read the criterion otherwise than the people, and write one place anew: the question, or what
one level means. Who knows nothing but the words should then rate as the people did, other responses as well as these.

Change as little as helps. It stays the same criterion, in other words: what it asks about, its levels and their order do not change.
Say what shows in a response, in general. Name and quote none of the texts below, and say nothing of who wrote them or of any
group of people. `new_text` is one line of at most {most} characters, in the language of `question`.
Where other words would not have helped, `new_text` repeats the present words of a place."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An item that the judge rated otherwise than people did, on one criterion.

    Attributes
    ----------
    said : what people said.
    level, reason : the judge's level, and what it wrote beside it, or "".
    distance : from the judge to the people's mean, in scale points; on a nominal scale the share of people who gave another level.
    """

    item: Item
    said: Said
    level: Level
    reason: str
    distance: float


def suggester(criterion: Criterion, n_disagreements: int) -> TextProgram:
    """The program that words one place of a criterion anew, given items that judge and people rated differently.

    Its slots are those of `slots_of`; its outputs are `place`, one of `places`, `new_text` and `why`.

    >>> from judgefair.rubric import load_rubric
    >>> suggester(load_rubric("hateful_content").criterion("hateful"), 1).schema["properties"]["place"]
    {'enum': ['question', 'level 0', 'level 1']}
    """
    slots = {
        "question": "what a rater answers",
        "levels": "each level with what it means",
        "not_applicable": "when the question does not apply; empty where it always does",
    }
    for number in range(1, n_disagreements + 1):
        slots |= {
            f"query_{number}": "what the user wrote",
            f"response_{number}": "what was rated",
            f"people_{number}": "the levels that people gave, and what they wrote beside them where they did",
            f"judge_{number}": "the level that the judge gave, and its reason where it gave one",
        }
    outputs = {
        "place": Output("the place whose words are to change", tuple(places(criterion))),
        "new_text": Output("the words of that place as they should read, and nothing else"),
        "why": Output("what in the present words was read differently, in one or two sentences that quote no text"),
    }
    return make_program("suggester", _INSTRUCTIONS.format(most=MOST_CHARACTERS), slots, outputs, max_tokens=MAX_TOKENS)


def slots_of(criterion: Criterion, disagreements: Sequence[Disagreement]) -> dict[str, str]:
    """The texts that `suggester(criterion, len(disagreements))` is given."""
    wordless = f"(no words yet; {criterion.scale.unanchored})"
    levels = [f"{level}: {anchor or wordless}" for level, anchor in criterion.scale.levels.items()]
    slots = {"question": criterion.question, "levels": "\n".join(levels), "not_applicable": criterion.not_applicable or ""}
    for number, one in enumerate(disagreements, 1):
        gave = ", ".join(str(criterion.scale.level(float(code))) for code in np.sort(one.said.codes))
        slots |= {
            f"query_{number}": one.item.query,
            f"response_{number}": one.item.shown,
            f"people_{number}": "\n".join([gave, *one.said.rationales]),
            f"judge_{number}": "\n".join(filter(None, [str(one.level), one.reason])),
        }
    return slots


def places(criterion: Criterion) -> dict[str, KeyPath]:
    """The places that can be worded anew, each with where it stands in the criterion.

    >>> from judgefair.rubric import load_rubric
    >>> places(load_rubric("hateful_content").criterion("hateful"))["level 1"]
    ('scale', 'levels', 1)
    """
    return {"question": ("question",), **{f"level {level}": ("scale", "levels", level) for level in criterion.scale.levels}}


def present_words(criterion: Criterion, place: str) -> str | None:
    """What stands at a place now; None where a level has no anchor."""
    where = places(criterion)[place]
    return criterion.question if where == ("question",) else criterion.scale.levels[where[-1]]


def objection(present: str | None, new_text: str) -> str:
    """Why words cannot stand in a rubric in place of the present ones; "" where they can.

    >>> objection("Names one issue", "Names one issue"), objection("Names one issue", "Names an issue </judged_text>")
    ('the words are those that stand there already', 'the words hold a fence or a marker of a prompt')
    """
    if not new_text.strip():
        return "the words are blank"
    if new_text == present:
        return "the words are those that stand there already"
    if len(new_text) > MOST_CHARACTERS:
        return f"the words are {len(new_text):,} characters long, and {MOST_CHARACTERS} are the most"
    if len(new_text.splitlines()) > 1 or new_text != new_text.strip():  # a second line could pass for another level
        return "the words are more than one line, or have spaces around them"
    if UNPRINTABLE.search(new_text):
        return "the words hold characters that do not print"
    if any(judged_fence(new_text, tag) != f"<{tag}>\n{new_text}\n</{tag}>" for tag in (JUDGED, GIVEN)):
        return "the words hold a fence or a marker of a prompt"
    return ""
