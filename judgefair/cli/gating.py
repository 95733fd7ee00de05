"""Does a report hold what `--gate` asks of it, and with which exit code does the command end?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from judgefair.cli.output import note
from judgefair.errors import BudgetError, InputError, UsageError

JUDGE = "judge validity"
VERDICTS_FAIL = 5

Gate = Annotated[
    bool,
    typer.Option(
        "--gate",
        help="Exit with 5 where a verdict is a disparity, or a difference that must be there is absent; with 3 where the judge did not "
        "pass its validity gate and the verdicts rest on that.",
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="With --gate or --junit: an undetermined verdict fails too.")]
JUnit = Annotated[
    Path | None,
    typer.Option(
        "--junit", metavar="FILE.xml", help="Write each verdict and each check of the judge as a test case, for a CI server."
    ),
]


@dataclass(frozen=True, slots=True)
class Held:
    """One thing that a report is held to.

    Attributes
    ----------
    about : a verdict that is judged, a difference that is only reported, or the judge.
    suite : the criterion, or `judge validity`; where a study has several systems or judges, after the pair it is about.
    name : the contrast, or what is checked of the judge, and for whom.
    kind : the verdict in words, or the status of the check.
    outcome : `error` is what could not be held to anything, since ratings are missing for a budget.
    why : the numbers, the reason, and what the labels are where no human gave them.
    """

    about: Literal["verdict", "reported", "judge"]
    suite: str
    name: str
    kind: str
    outcome: Literal["passed", "failed", "skipped", "error"]
    why: str


def refuse_gate(strict: bool, gate: bool, junit: Path | None) -> None:
    """UsageError where options do not go together; a file of an earlier run is taken away, so that nobody reads it as this one's."""
    if strict and not gate and junit is None:
        raise UsageError("--strict goes with --gate or --junit FILE.xml")
    if junit is None:
        return
    if junit.suffix != ".xml":
        raise UsageError(f"--junit is '{junit}'. Expected the name of a file that ends in .xml: what is there is written over")
    try:
        junit.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{junit}: cannot be written ({error.strerror}). Expected the name of a file") from None


def held_to(report: Mapping[str, Any], *, strict: bool = False) -> list[Held]:
    """Everything that a `report.json` is held to: verdicts in the rubric's order, then the judge.

    A verdict of a `must_ignore` axis fails where it is a disparity; one of a `must_use` axis where the difference is absent;
    an undetermined one is skipped, and fails where `strict`. What a `may_use` axis shows is skipped. A check of the judge that is
    not passed fails where the verdicts rest on it, or where there is no verdict at all, and is skipped where they rest on labels of the run.
    """
    verdicts = [_verdict(row, report, strict) for row in report["verdicts"]]
    blocks = report["scope"].get("gate_blocks", True) if verdicts else True
    return [*verdicts, *(_check(row, report, blocks) for row in report["gate"]), *_lost(report)]


def stop_on(report: Mapping[str, Any]) -> None:
    """Exit code 4 where a budget ended the work, and 3 where the judge's error may not be carried over; whether gated or not."""
    if any(_lost(report)):
        raise BudgetError(
            "the budget is used up, and ratings are missing for it. Run the same command with a larger one in the study"
        )
    if report["scope"].get("gate_blocks"):
        note(
            "judgefair: the judge did not pass the validity gate of its rubric, so that its error may not be carried over to this run. "
            "Human labels of the run itself would stand on their own: judgefair annotate export"
        )
        raise typer.Exit(3)


def stop_on_failures(held: Sequence[Held]) -> None:
    """Exit code 3 where the judge failed, else 5 where a verdict did; else a line that says what was let through.

    Raises
    ------
    InputError : there is neither a verdict nor a check, so that the gate would let everything through.
    """
    verdicts = [one for one in held if one.about == "verdict"]
    checks = [one for one in held if one.about == "judge"]
    if not verdicts and not checks:
        raise InputError(
            "--gate: the report has no verdict that is judged, and no check of the judge, so that nothing could fail. "
            "Run judgefair estimate first, or leave --gate out"
        )
    for code, those in ((3, checks), (VERDICTS_FAIL, verdicts)):
        failed = [one for one in those if one.outcome == "failed"]
        if failed:
            for one in failed:
                note(f"judgefair: {one.suite}, {one.name}: {one.kind}: {one.why}")
            note(
                f"judgefair: --gate: {len(failed):,} of {len(those):,} {'checks of the judge' if code == 3 else 'verdicts'} failed"
            )
            raise typer.Exit(code)
    skipped = sum(one.outcome == "skipped" for one in verdicts)
    let_through = f", {skipped:,} undetermined and let through (--strict fails on them)" if skipped else ""
    passed = f"{len(verdicts) - skipped:,} of {len(verdicts):,} verdicts passed{let_through}" if verdicts else "the judge passed"
    note(f"judgefair: --gate: {passed}")


def _verdict(row: Mapping[str, Any], report: Mapping[str, Any], strict: bool) -> Held:
    from judgefair.reporting.words import answer_in_words, population_name

    kind = answer_in_words(row["role"], row["verdict"])
    if row["role"] == "may_use":
        outcome = "skipped"
    elif row["verdict"] == "undetermined":
        outcome = "failed" if strict else "skipped"
    else:
        wanted = "disparity" if row["role"] == "must_use" else "equivalent"
        outcome = "passed" if row["verdict"] == wanted else "failed"
    name = f"{population_name(row['population'])} − {next(iter(row['contrast'].values()))}"
    about = "reported" if row["role"] == "may_use" else "verdict"
    return Held(about, _suite(row, row["criterion"]), name, kind, outcome, _why(row, report))  # type: ignore[arg-type]


def _why(row: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    """The corrected gap with the interval that was read, the raw one and the judge's, the reasons, and the truth where it was planted."""
    gap = row["corrected"]
    read = row["for_equivalence" if row["verdict"] == "equivalent" else "for_disparity"]
    parts = [f"corrected gap {_number(gap['value'])}, tolerance ±{row['tolerance']:g}"]
    if read["low"] is not None:
        parts.append(f"{read['level']:.0%} simultaneous interval {_number(read['low'])} to {_number(read['high'])}")
    elif gap["low"] is not None:
        parts.append(f"{gap['level']:.0%} interval, of this gap alone, {_number(gap['low'])} to {_number(gap['high'])}")
    parts.append(f"raw gap {_number(row['raw']['value'])}, made by the judge {_number(row['judge_made']['value'])}")
    parts += row["reasons"]
    if row["settles"]:
        parts.append(f"to settle it: {row['settles']}")
    if gap.get("truth") is not None:
        parts.append(f"planted gap {_number(gap['truth'])}")
    return "; ".join(parts) + _caution(report)


def _check(row: Mapping[str, Any], report: Mapping[str, Any], blocks: bool) -> Held:
    from judgefair.reporting.words import population_name

    name = f"{row['criterion']}, {population_name(row['population'])}: {row['rule']}"
    kind, why = row["status"].replace("_", " "), row["reason"] + _caution(report)
    if row["status"] == "passed":
        return Held("judge", _suite(row, JUDGE), name, kind, "passed", why)
    if blocks:
        return Held("judge", _suite(row, JUDGE), name, kind, "failed", why)
    return Held(
        "judge",
        _suite(row, JUDGE),
        name,
        kind,
        "skipped",
        f"{why} It does not block: the verdicts rest on labels of the run itself.",
    )


def _lost(report: Mapping[str, Any]) -> Iterator[Held]:
    """One error for all ratings that are missing for a budget."""
    n = sum(e["value"] * e["n_items"] for e in report["estimates"] if e["estimand"] == "missing_rate.over_budget" and e["value"])
    if n:
        yield Held(
            "judge",
            JUDGE,
            "no rating is missing for the budget",
            "over budget",
            "error",
            "the budget is used up, and ratings are missing",
        )


def _suite(row: Mapping[str, Any], name: str) -> str:
    return f"{row['of']}: {name}" if "of" in row else name


def _caution(report: Mapping[str, Any]) -> str:
    from judgefair.reporting.words import NO_HUMANS

    return f". {NO_HUMANS[report['labels']]}" if report["labels"] in NO_HUMANS else "."


def _number(value: float | None) -> str:
    from judgefair.statistics.estimate import signed

    return "undefined" if value is None else signed(value)
