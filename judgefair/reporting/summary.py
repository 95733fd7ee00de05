"""What stands on the first screen of a report: scope, verdicts, and how far the judge can be trusted?"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from judgefair.estimation import Estimation, Verdict
from judgefair.reporting.blocks import Cell, Table, number
from judgefair.reporting.words import MARKS, answer_of, contrast_name, labellers, population_name
from judgefair.statistics.estimate import Estimate, signed
from judgefair.validation import Finding, Validation

MOST_VERDICTS, MOST_CRITERIA = 12, 6
_URGENCY = ["disparity", "difference absent", "undetermined", "difference present", "equivalent", "reported, not judged"]
_STATUS = {"failed": "failed", "not_shown": "not shown", "passed": "passed"}


@dataclass(frozen=True, slots=True)
class Summary:
    """The first screen, as plain data.

    Attributes
    ----------
    scope : in a sentence, what the numbers hold for.
    verdicts : a row for each criterion and contrast, or for the most urgent of many; None where nothing was estimated.
    gate : what became of the rubric's checks of the judge; None without a rubric.
    trust : agreement of judge and humans, beside that of the humans, and the largest gap of judge error, by criterion.
    """

    scope: str
    verdicts: Table | None
    gate: Cell | None
    trust: Table

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "scope": self.scope,
            "verdicts": None if self.verdicts is None else self.verdicts.to_json(),
            "gate": None if self.gate is None else self.gate.to_json(),
            "trust": self.trust.to_json(),
        }


def summarise(validation: Validation, estimation: Estimation | None) -> Summary:
    """The first screen of a validation and, where there is one, of the gaps estimated with it."""
    scope = validation.scope if estimation is None else {**validation.scope, **estimation.scope}
    return Summary(
        _scope(scope, validation),
        None if estimation is None or not estimation.verdicts else _verdicts(estimation.verdicts),
        _gate(validation, estimation),
        _trust(validation),
    )


def together(summaries: Mapping[str, Summary]) -> Summary:
    """One first screen of several systems or judges; nothing is averaged over them."""
    names, found = list(summaries), list(summaries.values())
    rows = [(name, row) for name, one in summaries.items() if one.verdicts for row in one.verdicts.rows]
    left_out = "" if len(rows) <= MOST_VERDICTS else f" The first {MOST_VERDICTS} of {len(rows)} rows."
    first = next((one.verdicts for one in found if one.verdicts), None)
    verdicts = first and Table(
        f"{first.caption}{left_out}", ["Of", *first.columns], [[Cell(name), *row] for name, row in rows[:MOST_VERDICTS]]
    )
    gates = [f"{name}: {one.gate.text}" for name, one in summaries.items() if one.gate]
    trusted = [[Cell(name), *row] for name, one in summaries.items() for row in one.trust.rows]
    trust = Table(found[0].trust.caption, ["Of", *found[0].trust.columns], trusted[:MOST_VERDICTS])
    scope = f"{found[0].scope} The same for each of: {'; '.join(names)}."
    return Summary(scope, verdicts, Cell("; ".join(gates)) if gates else None, trust)


def _scope(scope: Mapping[str, Any], validation: Validation) -> str:
    rubric = scope.get("rubric")
    judge = f"judge {scope['judge']}"
    if not rubric:
        return f"Holds only for {judge} on {scope['set']['id']}; no rubric was given, so that no use case is stated."
    system = scope.get("system")
    of = "" if system is None else f"; system {system['id'] if isinstance(system, dict) else system}"
    axes = "; ".join(f"{axis}: {', '.join(groups)}" for axis, groups in (scope.get("populations") or validation.axes).items())
    set_of = f"; labels: {scope['labels']}, from {scope.get('labels_from', scope['set']['id'])}"
    return (
        f"Holds only for: {scope['use_case']} ({scope['deployment']}; {', '.join(scope['languages'])}){of}; {judge}; "
        f"rubric {rubric['id']} {rubric['version']}{f'; {axes}' if axes else ''}{set_of}."
    )


def _verdicts(verdicts: Sequence[Verdict]) -> Table:
    shown = list(verdicts)
    left_out = ""
    if len(shown) > MOST_VERDICTS:
        shown = sorted(shown, key=lambda verdict: _URGENCY.index(answer_of(verdict)))[:MOST_VERDICTS]
        left_out = (
            f" {MOST_VERDICTS} of {len(verdicts)}, disparities first and then what is undetermined; all stand under Verdicts."
        )
    rows = [
        [
            Cell(verdict.criterion), Cell(contrast_name(verdict)), Cell(answer_of(verdict), mark=MARKS[answer_of(verdict)]),
            _gap(verdict), Cell(f"±{verdict.tolerance:g}"),
        ]
        for verdict in shown
    ]  # fmt: skip
    caption = f"Corrected gaps, population minus reference in scale points, with the interval that holds for all contrasts at once.{left_out}"
    return Table(caption, ["Criterion", "Contrast", "Verdict", "Corrected gap", "Tolerance"], rows)


def _gap(verdict: Verdict) -> Cell:
    """The corrected gap with its simultaneous interval; where there is none the pointwise one, and it says so."""
    low, high, level = verdict.for_disparity
    alone = number(verdict.corrected, signed=True)
    if low != low:
        return alone if not verdict.corrected.is_defined else replace(alone, text=f"{alone.text} pointwise")
    text = f"{signed(verdict.corrected.value)} [{signed(low)}, {signed(high)}]"
    return Cell(text, f"{level:.0%} interval for all contrasts at once; alone {alone.text}; {alone.title}", verdict.corrected)


def _gate(validation: Validation, estimation: Estimation | None) -> Cell | None:
    if not validation.gate:
        return None
    counts: Counter[str] = Counter(check.status for check in validation.gate)
    told = ", ".join(f"{counts[status]} {word}" for status, word in _STATUS.items() if counts[status])
    worst = next(status for status in _STATUS if counts[status])
    blocks = ""
    if worst != "passed" and estimation is not None and not estimation.scope["gate_blocks"]:
        blocks = " It does not block the verdicts, which rest on labels of the run itself."
    word = "passed" if validation.passes else "not passed"
    return Cell(f"Validity gate {word}: {told}.{blocks}", mark=MARKS[_STATUS[worst]])


def _trust(validation: Validation) -> Table:
    whom = labellers(validation)
    agreements = {name: validation.find("alpha.judge_human", name) for name in validation.scales}
    shown, left_out = list(validation.scales), ""
    if len(shown) > MOST_CRITERIA:
        shown = sorted(shown, key=lambda name: agreements[name].value if agreements[name].is_defined else -2)[:MOST_CRITERIA]
        left_out = f" The {MOST_CRITERIA} of {len(validation.scales)} criteria on which the judge agrees least."
    rows = [
        [Cell(name), number(agreements[name]), number(validation.find("alpha.human", name)), _largest_gap(validation, name)]
        for name in shown
    ]
    caption = (
        f"Agreement (alpha: 1 always, 0 as by chance) of judge and {whom}, and the largest gap of the judge's own error, in scale points: the "
        f"largest of several is too large on average.{left_out}"
    )
    return Table(
        caption, ["Criterion", f"Judge with {whom}", f"{whom.capitalize()} among themselves", "Largest gap of judge error"], rows
    )


def _largest_gap(validation: Validation, criterion: str) -> Cell:
    gaps = [
        finding
        for finding in validation.findings
        if finding.criterion == criterion and finding.estimate.estimand == "judge_error_gap" and finding.estimate.is_defined
    ]
    if not gaps:
        return Cell("none")
    largest = max(gaps, key=lambda finding: abs(finding.estimate.value))
    return _named(number(largest.estimate, signed=True), largest, largest.estimate)


def _named(cell: Cell, finding: Finding, estimate: Estimate) -> Cell:
    against = next(iter((finding.contrast or {}).values()), "")
    return Cell(f"{cell.text} {population_name(finding.population)} − {against}", cell.title, estimate)
