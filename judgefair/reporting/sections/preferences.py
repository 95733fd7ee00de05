"""Which of two contestants is preferred, in each population, and does it hang on which is shown first?"""

from collections.abc import Iterator, Sequence

from judgefair.estimation import Estimation
from judgefair.reporting.blocks import Block, Cell, Section, Table, Text, number
from judgefair.reporting.words import caution, population_name
from judgefair.statistics.finding import Finding, Population
from judgefair.validation import Validation
from judgefair.validation.preferences import ABILITY, PREFIXES

ORDER = 25
ABOUT = (
    "Each pair of responses was judged in both orders. An ability is in log odds against the contestant that stands in the column's "
    "head, of being preferred by this judge, with the advantage of being shown first taken out (Bradley-Terry); whatever else "
    "moves the judge, such as length, is part of it. A pair is inconsistent where the verdict changes with the order. A preference for "
    "the first runs from −1 (never it) to 1 (always). Intervals are 95% ones."
)


def build(validation: Validation, estimation: Estimation | None) -> Section | None:
    """Abilities and position bias by criterion and population; none where nothing is compared."""
    held = estimation.findings if estimation is not None else validation.findings
    found = [finding for finding in held if finding.estimate.estimand.startswith(PREFIXES)]
    if not found:
        return None
    blocks: list[Block] = [Text(ABOUT)]
    for criterion in dict.fromkeys(finding.criterion for finding in found):
        blocks += _told([finding for finding in found if finding.criterion == criterion], caution(validation))
    return Section("preferences", "Which response is preferred", blocks)


def _told(found: Sequence[Finding], labels: str) -> Iterator[Block]:
    populations: list[Population | None] = []
    for finding in found:
        if finding.population not in populations:
            populations.append(finding.population)
    criterion = found[0].criterion
    contestants = list(dict.fromkeys(f.estimate.estimand for f in found if f.estimate.estimand.startswith(f"{ABILITY}.")))
    against = next((f.estimate.method for f in found if f.estimate.estimand in contestants), "")
    reference = against.partition("log odds against ")[2].partition(";")[0] if "log odds against " in against else "the other"
    columns = [f"{name.removeprefix(f'{ABILITY}.')} against {reference}" for name in contestants]
    rows = []
    for population in populations:
        of = {f.estimate.estimand: f.estimate for f in found if f.population == population}
        told = [number(of[name], signed=True) for name in (*contestants, "bradley_terry.order")]
        bias = [number(of["position_bias.inconsistent"]), number(of["position_bias.first"], signed=True)]
        n = of["position_bias.first"].n_items
        rows.append([Cell(population_name(population)), Cell(f"{n:,}"), *told, *bias])
    yield Table(
        f"{criterion}: abilities and position bias.{labels}",
        ["Population", "Pairs in both orders", *columns, "Order (log odds)", "Inconsistent", "Prefers the first"], rows,
    )  # fmt: skip
