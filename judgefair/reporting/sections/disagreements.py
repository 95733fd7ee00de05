"""On which items do judge and humans disagree most, in each population?"""

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import Block, Quote, Section, Text
from judgefair.reporting.words import caution, labellers, population_name
from judgefair.validation import Validation
from judgefair.validation.furthest import Furthest, furthest

ORDER = 80
SHOWN = 2
MAX_CHARACTERS = 700


def build(validation: Validation, estimation: Estimation | None) -> Section | None:
    """The items with the largest distance of judge to humans, side by side; none where the table carries no text."""
    if not any(item.response or item.query for item in validation.items):
        return None
    whom = labellers(validation)
    blocks: list[Block] = [
        Text(
            f"The {SHOWN} items of each criterion and population on which the judge is furthest from the {whom}, with the anchors between "
            f"them. The texts are data that was judged.{caution(validation)}"
        )
    ]
    shown: set[tuple[str, str]] = set()
    for found in furthest(validation, SHOWN):
        if (found.item.response or found.item.query) and (found.criterion, found.item.item_id) not in shown:
            shown.add((found.criterion, found.item.item_id))
            blocks.append(Quote(title_of(found), parts_of(found, whom)))
    return Section("disagreements", f"Where judge and {whom} disagree most", blocks)


def title_of(found: Furthest) -> str:
    """Criterion, population and item."""
    where = "" if found.population is None else f"{population_name(found.population)}, "
    return f"{found.criterion}, {where}item {found.item.item_id}"


def parts_of(found: Furthest, whom: str) -> list[tuple[str, str]]:
    """Judge, humans, anchors and texts, each under its name."""
    counts = dict.fromkeys([level for _, level, _ in found.humans], 0)
    for _, level, _ in found.humans:
        counts[level] += 1
    said = ", ".join(f"{level} ({n}x)" for level, n in counts.items())
    written = "".join(f"; {rater}: {text}" for rater, _, text in found.humans if text)
    anchors = "\n".join(f"{level}: {anchor or found.unanchored}" for level, anchor in found.anchors.items())
    return [
        ("Judge", str(found.judge) + (f": {found.rationale}" if found.rationale else "")),
        (whom.capitalize(), said + written),
        *([("Anchors between", anchors)] if any(found.anchors.values()) else []),
        ("Populations", ", ".join(f"{axis}: {group}" for axis, group in found.item.populations.items()) or "none"),
        ("Query", _shorten(found.item.query) or "(nothing was asked)"),
        ("Response", _shorten(found.item.response) or "(empty)"),
        *([] if found.item.second_response is None else [("Second response", _shorten(found.item.second_response) or "(empty)")]),
    ]


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS].rstrip()} … ({len(text):,} characters)"
