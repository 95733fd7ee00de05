"""Verbs on what was made: report, show, plugins."""

from pathlib import Path
from typing import Annotated, Any

import typer

from judgefair.cli import gating
from judgefair.cli.output import JSON, examples, say, say_json
from judgefair.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command(
        epilog=examples("judgefair report runs/mine", "judgefair report runs/mine --gate --strict --junit judgefair.xml")
    )(report)
    app.command(epilog=examples("judgefair show runs/mine a1", "judgefair show runs/mine --disagreements 3"))(show)
    app.command(epilog=examples("judgefair plugins", "judgefair plugins --json"))(plugins)


def report(
    run: Annotated[Path, typer.Argument(help="A run folder that validate or estimate filled.")],
    gate: gating.Gate = False,
    strict: gating.Strict = False,
    junit: gating.JUnit = None,
    as_json: bool = JSON,
) -> None:
    """Write report.html, report.md, summary.md and report.json from what a run holds: its validation and, after estimate, its verdicts.

    With --gate it ends as `run --gate` does. Without it, the exit code says only whether the report could be written.
    """
    gating.refuse_gate(strict, gate, junit)
    from judgefair.cli.junit import write_junit
    from judgefair.reporting import build_report, write_report

    found = build_report(run)
    path = write_report(found, run)
    if as_json:
        say_json(found.to_json())
    else:
        say(f"{found.headline}\nReport: {path}")
    if gate or junit is not None:
        told = found.to_json()
        held = gating.held_to(told, strict=strict)
        if junit is not None:
            write_junit(told, held, junit)
        if gate:
            gating.stop_on(told)
            gating.stop_on_failures(held)


def show(
    run: Annotated[Path, typer.Argument(help="A run folder that judge or validate filled.")],
    item: Annotated[str | None, typer.Argument(metavar="ITEM", help="An item_id of the run.")] = None,
    disagreements: Annotated[
        int | None,
        typer.Option(
            "--disagreements",
            metavar="N",
            min=1,
            help="In place of ITEM: so many items of each criterion and population on which judge and humans differ most.",
        ),
    ] = None,
    as_json: bool = JSON,
) -> None:
    """Everything about one item: its texts, every prompt, attempt and reply, and all ratings; or where judge and humans disagree."""
    if (item is None) == (disagreements is None):
        raise UsageError(f"expected an item, such as: judgefair show {run} ITEM; or --disagreements N; and not both")
    if disagreements is not None:
        _show_disagreements(run, disagreements, as_json)
        return
    from judgefair.runs.shown import show_item

    assert item is not None
    found = show_item(run, item)
    if as_json:
        say_json(found)
    else:
        _say_item(found)


def _show_disagreements(run: Path, n: int, as_json: bool) -> None:
    from judgefair.reporting.sections.disagreements import parts_of, title_of
    from judgefair.reporting.words import caution, labellers
    from judgefair.validation import find_validation
    from judgefair.validation.furthest import furthest

    validation = find_validation(run)
    listed = list(furthest(validation, n))
    if as_json:
        say_json([
            {
                "criterion": one.criterion, "population": None if one.population is None else dict(one.population),
                "item_id": one.item.item_id, "distance": one.distance, "judge": one.judge, "rationale": one.rationale,
                "humans": [{"rater_id": rater, "value": level, "rationale": text} for rater, level, text in one.humans],
                "anchors": [[level, anchor] for level, anchor in one.anchors.items()], "query": one.item.query,
                "response": one.item.response, "second_response": one.item.second_response, "labels": validation.scope["labels"],
            }
            for one in listed
        ])  # fmt: skip
        return
    say(f"Furthest from the {labellers(validation)}.{caution(validation)}")
    for one in listed:
        say(f"\n=== {title_of(one)}, {one.distance:.2f} apart")
        for name, text in parts_of(one, labellers(validation)):
            say(f"--- {name}\n{text}")


def _say_item(found: dict[str, Any]) -> None:
    shows = ", ".join(f"{axis}: {group}" for axis, group in found["populations"].items()) or "no population"
    say(f"{found['item_id']}   scenario {found['scenario_id'] or 'of its own'}   {shows}")
    for name in ("query", "response", "second_response"):
        if found[name] is not None:
            say(f"\n--- {name}\n{found[name]}")
    if found["no_response"]:
        say(f"\nno response: {found['no_response']['reason']}, {found['no_response']['detail']}")
    for call in found["calls"]:
        order = ", responses swapped" if call["is_swapped"] else ""
        say(f"\n=== {call['call']}, replicate {call['replicate']}{order}   key {call['key'][:16]}")
        for message in call["request"]["messages"]:
            say(f"--- {message['role']}\n{message['content']}")
        for attempt in call["attempts"]:
            say(f"--- attempt {attempt['number']} at {attempt['at']}, {attempt['seconds']:.3f} s: {attempt['error'] or 'landed'}")
        reply = call["reply"]
        if reply is None:
            say("--- no reply has landed")
        else:
            if not call["attempts"]:
                say("--- taken from another run: no attempt was made in this one")
            tokens = f"{reply['prompt_tokens']:,} + {reply['completion_tokens']:,} tokens"
            say(f"--- reply ({tokens}, ended by {reply['finish_reason']})\n{reply['text'] or reply['refusal'] or ''}")
    say("\n=== ratings")
    for row in found["ratings"]:
        level = "split between levels" if row["value"] is None else row["value"]
        said = level if row["missing"] is None else f"missing ({row['missing']})"
        if row.get("as_written") is not None and row.get("swapped") is not None:
            said = f"{said} (as they are: {row['as_written']}; swapped: {row['swapped']})"
        why = f"   {row['rationale']}" if row["rationale"] else ""
        say(f"{row['criterion']}   {row['rater_id']} ({row['rater_kind']}), replicate {row['replicate']}: {said}{why}")


def plugins(as_json: bool = JSON) -> None:
    """What is plugged in: lenses, probes, optimisers, recipes, scale kinds, sections and targets, ours and those of other packages."""
    from judgefair.plugins import GROUPS, names

    found = {group: names(group) for group in GROUPS}
    if as_json:
        say_json(found)
        return
    for group, listed in found.items():
        say(f"{group}: {', '.join(listed)}")
