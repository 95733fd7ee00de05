"""The verb that drafts other words of a rubric, for a person to accept or not: suggest."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from judgefair.cli import completing, options
from judgefair.cli.output import JSON, examples, progress_bar, say, say_json

if TYPE_CHECKING:
    from judgefair.runs.suggest_stage import Suggestion


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        "suggest",
        epilog=examples(
            "judgefair suggest my_rubric --set my_set --model gpt-4.1-mini --words-model gpt-4.1 --out drafts",
            "judgefair suggest my_rubric --set my_set --model local --words-model local --per-criterion 4 --out drafts",
        ),
    )(suggest_)


def suggest_(
    rubric: options.Rubric,
    set_id: Annotated[
        str,
        typer.Option(
            "--set", autocompletion=completing.sets, help="A calibration set: its id or folder. Train alone is judged and shown."
        ),
    ],
    model: options.ModelName,
    words_model: Annotated[
        str,
        typer.Option(
            "--words-model", autocompletion=completing.models, help="The model that drafts words, named as with --model."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for suggestions.patch and suggestions.json; the same command again resumes.")
    ],
    per_criterion: Annotated[
        int,
        typer.Option("--per-criterion", metavar="N", min=1, help="At most so many disagreements are shown for each criterion."),
    ] = 8,
    concurrency: options.Concurrency = 8,
    max_calls: options.MaxCalls = None,
    max_tokens: options.MaxTokens = None,
    max_cost: options.MaxCost = None,
    prices: options.Prices = None,
    max_seconds: options.MaxSeconds = None,
    rpm: options.RequestsPerMinute = None,
    tpm: options.TokensPerMinute = None,
    key_env: options.KeyEnv = "OPENAI_API_KEY",
    key_file: options.KeyFile = None,
    timeout: options.Timeout = 600,
    call_seconds: options.CallSeconds = None,
    attempts: options.Attempts = 6,
    hedge_after: options.HedgeAfter = None,
    cache: options.Cache = True,
    as_of: options.AsOf = None,
    as_json: bool = JSON,
) -> None:
    """Draft other words of a rubric where judge and people differ, as a patch that a person accepts or not.

    The judge rates the train split of a calibration set. Where it differs most from people, in every population, a second model
    words one place of the criterion anew. Nothing of the rubric is written, and dev and test are not looked at.
    """
    from judgefair.calibration import load_calibration_set
    from judgefair.models.policy import RetryPolicy
    from judgefair.runs import Progress
    from judgefair.runs.folder import read_json
    from judgefair.runs.suggest_stage import SUGGESTIONS, suggest

    budget = options.budget(max_calls, max_tokens, max_cost, max_seconds, prices)
    cset = load_calibration_set(set_id)
    judge, words = (options.model_named(name, key_env, key_file, timeout) for name in (model, words_model))
    with progress_bar("suggesting") as update:
        suggestions = suggest(
            rubric, cset, judge, words, out, per_criterion=per_criterion, concurrency=concurrency, budget=budget,
            policy=RetryPolicy(attempts, call_seconds=call_seconds, hedge_after=hedge_after), limits=options.limits(rpm, tpm),
            use_cache=cache, as_of=as_of, on_progress=update,
        )  # fmt: skip
    document = read_json(out / SUGGESTIONS)
    spent = Progress(0, budget=budget)
    told = {name: value for name, value in options.spent(spent).items() if name in {"calls", "tokens", "cost", "unpriced_tokens"}}
    if as_json:
        say_json({**document, **told})
        return
    _tell(suggestions)
    if document["patch"] is None:
        say(f"Nothing to suggest; {out / SUGGESTIONS} has what was drafted and dropped.")
    else:
        _tell_how_to_apply(document, set_id, model)
    options.say_spent(spent)


def _tell(suggestions: "list[Suggestion]") -> None:
    """Each suggestion with the words as they are beside those suggested, and those that were dropped with the reason."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from judgefair.records import printable
    from judgefair.runs.suggest_stage import rests_on

    for one in suggestions:
        if one.dropped:
            say(f"{one.criterion}{one.place and f', {one.place}'}: dropped: {one.dropped}\n")
            continue
        say(f"{one.criterion}, {one.place}")
        table = Table("now", "suggested", expand=False)
        table.add_row(*(Text(printable(text)) for text in (one.old or "(no words)", one.new)))
        Console().print(table)
        say(f"Why: {one.why}")
        say(f"Rests on {rests_on(one)}.\n")


def _tell_how_to_apply(document: Mapping[str, Any], set_id: str, model: str) -> None:
    from judgefair import folders

    file, patch = Path(document["rubric"]["file"]).resolve(), _quoted(Path(document["patch"]).resolve())
    folder, new = file.parent, file.parent
    of = document["set"]
    say(
        f"A model drafted this from the {of['labels']} labels of {of['id']}, split {of['split']}, and what the judge said of the same items."
    )
    say(f"Nothing of {document['rubric']['file']} is changed. It is yours to accept, in whole, in part or not.")
    is_shipped = folder.is_relative_to(folders.shipped("rubrics").resolve())
    if is_shipped or not _is_writable(file):
        say(
            f"The rubric {'comes with judgefair' if is_shipped else 'may not be written to'}: copy it, and apply the patch to the copy."
        )
        earlier, new = folder, Path(folder.name)
        say(f"  cp -r {_quoted(folder)} .")
        say(f"  git apply {patch}")
    else:
        say("Keep the version before, to compare with, and apply the patch in the folder that holds the rubric's folder:")
        earlier = folder.with_name(f"{folder.name}-{document['rubric']['version']}")
        say(f"  cp -r {_quoted(folder)} {_quoted(earlier)}")
        say(f"  cd {_quoted(folder.parent)} && git apply {patch}")
    say(f"  (without git: patch -p1 < {patch}; after a part of it, judgefair check says which heading the changelog needs)")
    say("Then see what the new words change:")
    versions = " ".join(_quoted(each if file.name == "rubric.yaml" else each / file.name) for each in (earlier, new))
    say(f"  judgefair compare --rubric {versions} --set {_quoted(set_id)} --model {_quoted(model)}")


def _quoted(text: str | Path) -> str:
    return shlex.quote(str(text))


def _is_writable(file: Path) -> bool:
    changelog = file.with_name("CHANGELOG.md")
    return all(os.access(path, os.W_OK) for path in (file.parent, file, changelog) if path.exists())
