"""The verb that lets people look through a run and rate its items: review."""

from pathlib import Path
from typing import Annotated

import typer

from judgefair.cli.output import JSON, examples, note, say, say_json
from judgefair.errors import InputError, UsageError


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        epilog=examples(
            "judgefair review runs/tutor",
            "judgefair review runs/tutor --no-browser --rater ann --attribute first_language=Somali",
        )
    )(review)


def review(
    run: Annotated[Path, typer.Argument(help="A run folder that judge, run or validate filled.")],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    opens_browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser, or only print its address.")
    ] = True,
    rater: Annotated[str, typer.Option("--rater", help="Name or code that the form of the rater holds from the start.")] = "",
    attribute: Annotated[
        list[str] | None,
        typer.Option("--attribute", metavar="KEY=VALUE", help="What the rater says of themselves; repeat for more."),
    ] = None,
    as_json: bool = JSON,
) -> None:
    """Serve a page on this computer alone: browse and filter items, see arms side by side, and rate items blind.

    Ctrl-C ends it. Ratings are saved in the run folder as they are given; nothing leaves this computer.
    """
    attributes = dict(_attribute(written) for written in attribute or [])
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise InputError("review needs starlette and uvicorn. Run: pip install 'judgefair[review]'") from None
    from judgefair.reviewing import serve
    from judgefair.reviewing.app import Prefilled

    def told(address: str) -> None:
        if as_json:
            say_json({"run": str(run), "address": address})
        else:
            say(address)
            note("judgefair: only this computer can open the page, with the key in its address. Ctrl-C ends it")

    serve(run, port=port, prefilled=Prefilled(rater, attributes), told=told, opens_browser=opens_browser)


def _attribute(written: str) -> tuple[str, str]:
    name, is_given, value = written.partition("=")
    if not is_given or not name.strip():
        raise UsageError(f"--attribute is '{written}'. Expected KEY=VALUE, such as first_language=Somali")
    return name.strip(), value.strip()
