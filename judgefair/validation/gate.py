"""Did the judge show what the rubric's `validity` asks of it?"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from judgefair.rubric.rubric import Validity
from judgefair.statistics.estimate import Estimate, signed
from judgefair.statistics.finding import Finding, Population

Status = Literal["passed", "failed", "not_shown"]


@dataclass(frozen=True, slots=True)
class Check:
    """One threshold of the gate, for one criterion and population (None is overall).

    Attributes
    ----------
    rule : min_alpha_ratio, alt_test_epsilon, max_judge_error_gap or max_unparsable_rate.
    status : passed, failed, or not_shown where the data cannot tell; a gate that was not shown to be passed is not passed.
    value, threshold : what was found (None where undefined) and what is asked.
    reason : in plain words.
    """

    criterion: str
    population: Population | None
    rule: str
    status: Status
    value: float | None
    threshold: float
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def gate(findings: Sequence[Finding], validity: Validity) -> list[Check]:
    """All checks, in the order of the findings.

    Thresholds are held against the point estimates; where an interval reaches beyond the threshold the reason says so.
    """
    about: dict[tuple[str, str], tuple[str, Population | None, dict[str, Estimate]]] = {}
    for finding in findings:
        if not any(axis.startswith("rater.") for axis in finding.population or {}):
            key = (finding.criterion, repr(finding.population))
            about.setdefault(key, (finding.criterion, finding.population, {}))[2][finding.estimate.estimand] = finding.estimate
    return [check for criterion, population, found in about.values() for check in _checks(criterion, population, found, validity)]


def _checks(criterion: str, population: Population | None, found: dict[str, Estimate], validity: Validity) -> Iterator[Check]:
    def check(rule: str, threshold: float, status: Status, value: float | None, reason: str) -> Check:
        return Check(criterion, population, rule, status, value, threshold, reason)

    asked = validity.min_alpha_ratio
    judge, human = found["alpha.judge_human"], found["alpha.human"]
    if not judge.is_defined or not human.is_defined or human.value <= 0:
        why = (
            f"alpha.judge_human is {judge.method}"
            if not judge.is_defined
            else f"alpha.human is {human.method if not human.is_defined else f'{human.value:.2f}, so that no ratio to it means anything'}"
        )
        yield check(
            "min_alpha_ratio", asked, "not_shown", None, f"whether the judge agrees with humans as they do with each other: {why}"
        )
    else:
        ratio = judge.value / human.value
        status: Status = "passed" if ratio >= asked else "failed"
        reason = (
            f"alpha of judge with humans is {judge.value:.2f}, of humans among themselves {human.value:.2f}: "
            f"ratio {ratio:.2f}, at least {asked:g} is asked"
        )
        yield check("min_alpha_ratio", asked, status, ratio, reason + _reach(status, judge.low / human.value < asked))
    winning, epsilon = found["alt_test.winning_rate"], validity.alt_test_epsilon
    if not winning.is_defined:
        yield check(
            "alt_test_epsilon", 0.5, "not_shown", None, f"whether the judge may take an annotator's place: {winning.method}"
        )
    else:
        status = "passed" if winning.value >= 0.5 else "failed"
        reason = (
            f"at epsilon {epsilon:g} the judge holds up against {winning.value:.0%} of the annotators, at least half is asked"
        )
        yield check("alt_test_epsilon", 0.5, status, winning.value, reason)
    if "judge_error_gap" in found:
        gap, most = found["judge_error_gap"], validity.max_judge_error_gap
        if not gap.is_defined:
            yield check("max_judge_error_gap", most, "not_shown", None, f"the gap of the judge's error: {gap.method}")
        else:
            status = "passed" if abs(gap.value) <= most else "failed"
            beyond = gap.low != gap.low or max(abs(gap.low), abs(gap.high)) > most
            reason = f"the judge's error differs from the reference's by {signed(gap.value)} points, at most {most:g} is asked"
            yield check("max_judge_error_gap", most, status, gap.value, reason + _reach(status, beyond))
    unparsable, most = found["missing_rate.unparsable"], validity.max_unparsable_rate
    if unparsable.is_defined:
        status = "passed" if unparsable.value <= most else "failed"
        reason = f"{unparsable.value:.1%} of the replies are unparsable, at most {most:.1%} is asked"
        yield check("max_unparsable_rate", most, status, unparsable.value, reason)
    else:
        yield check("max_unparsable_rate", most, "not_shown", None, f"the share of unparsable replies: {unparsable.method}")


def _reach(status: Status, crosses: bool) -> str:
    return "; its interval reaches beyond the threshold" if status == "passed" and crosses else ""
