"""What did the simulated users of one scenario say, what were they answered, and how was it rated?"""

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text
from judgefair.reporting.words import caution
from judgefair.validation import Validation

ORDER = 62
MAX_CHARACTERS = 420


def build(validation: Validation, estimation: Estimation | None) -> Section | None:
    """All arms of the first scenarios side by side; none for runs without arms."""
    shown = (estimation.simulation or {}).get("arms") if estimation else None
    if not shown:
        return None
    blocks: list[Block] = [
        Text("All arms of a scenario ask for the same thing with the same facts. The texts are data that was judged.")
    ]
    for scenario in dict.fromkeys(arm["scenario"] for arm in shown):
        rows = [
            [
                Cell(arm["arm"]),
                Cell(_shorten(arm["query"])),
                Cell(_shorten(arm["response"]) if not arm["missing"] else f"{arm['missing']}: {_shorten(arm['response'])}"),
                Cell(", ".join(f"{name} {value:g}" for name, value in arm["ratings"].items()) or "none"),
            ]
            for arm in shown
            if arm["scenario"] == scenario
        ]
        caption = f"Scenario {scenario}, arm by arm, with the judge's ratings.{caution(validation)}"
        blocks.append(Table(caption, ["Arm", "Query", "Response", "Rating"], rows))
    return Section("arms", "Queries side by side", blocks)


def _shorten(text: str) -> str:
    """Both ends of a long text: a cue may stand at either."""
    half = MAX_CHARACTERS // 2
    return text if len(text) <= MAX_CHARACTERS else f"{text[:half].rstrip()} … {text[-half:].lstrip()}"
