"""The verb that says whether everything is in place: doctor."""

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from judgefair.cli import completing, options
from judgefair.cli.output import JSON, examples, note, say, say_json
from judgefair.errors import JudgefairError, did_you_mean

if TYPE_CHECKING:
    from judgefair.models import Model
    from judgefair.models.policy import Attempt

EXTRAS = ("local", "optimize", "ray")
LEAST_FREE = 200_000_000
"""Bytes; the embedded model takes half of it, and runs grow."""
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
OTHERS = ("JUDGEFAIR_HOME", "JUDGEFAIR_DATA", "JUDGEFAIR_FAULT_SEED")
"""Variables of ours that set no option."""
QUESTION = "Answer with the word yes."


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    status : `ok`; `note`, which may be meant; or `wrong`, which something judgefair needs.
    next : what to do about it; empty where there is nothing to do.
    """

    about: str
    name: str
    status: Literal["ok", "note", "wrong"]
    found: str
    next: str = ""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(epilog=examples("judgefair doctor", "judgefair doctor --model gpt-4.1-mini --json"))(doctor)


def doctor(
    ctx: typer.Context,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", autocompletion=completing.models, help="Put one tiny request to this model; it may cost one call."
        ),
    ] = None,
    key_env: options.KeyEnv = "OPENAI_API_KEY",
    key_file: options.KeyFile = None,
    timeout: Annotated[float, typer.Option("--timeout", metavar="S", min=1, help="Seconds that the one request may take.")] = 30,
    as_json: bool = JSON,
) -> None:
    """Is everything in place: versions, folders, disk, keys (whether they are set, never what they are), ledgers, a model?

    Nothing is asked of any server without --model. Exit code 1 where something that is needed is wrong.
    """
    findings = [*_versions(), *_places(), *_keys(key_env, key_file), *_environment(ctx), *_terminal(), *_ledgers()]
    if model is not None:
        note("Putting one request to the model ...")
        findings.append(_asked(model, key_env, key_file, timeout))
    is_well = all(finding.status != "wrong" for finding in findings)
    if as_json:
        say_json({"ok": is_well, "findings": [asdict(finding) for finding in findings]})
    else:
        _say(findings)
    if not is_well:
        raise typer.Exit(1)


def _versions() -> Iterator[Finding]:
    yield Finding("versions", "judgefair", "ok", metadata.version("judgefair"))
    yield Finding("versions", "python", "ok", f"{platform.python_implementation()} {platform.python_version()}")
    yield Finding("versions", "platform", "ok", f"{platform.platform()}, {os.cpu_count() or 'unknown'} CPUs")
    for line in metadata.requires("judgefair") or []:
        name = re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
        extra = re.search(r"extra == ['\"](\w+)", line)
        if extra and extra[1] not in EXTRAS:
            continue
        try:
            yield Finding("versions", name, "ok", metadata.version(name))
        except metadata.PackageNotFoundError:
            if extra:
                yield Finding("versions", name, "note", "not installed", f"pip install 'judgefair[{extra[1]}]', if it is wanted")
            else:
                yield Finding("versions", name, "wrong", "not installed", "pip install judgefair")


def _places() -> Iterator[Finding]:
    from judgefair import folders
    from judgefair.models.embedded import WEIGHTS

    cache = folders.cache()
    places = {
        "cache": cache,
        "sets": cache / "sets",
        "models": cache / "models",
        "ledgers": folders.ledgers(),
        "runs": Path("runs"),
    }
    for name, folder in places.items():
        yield _place(name, folder.absolute())
    here = f"{WEIGHTS.name}, {WEIGHTS.path}" if WEIGHTS.is_here else f"{WEIGHTS.name} is not here"
    mend = "" if WEIGHTS.is_here else "judgefair models pull local"
    yield Finding("folders", "embedded model", "ok" if WEIGHTS.is_here else "note", here, mend)


def _place(name: str, folder: Path) -> Finding:
    """Whether a file can be made in a folder, or where the folder would come to be; and how much room there is."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    found = f"{folder}{'' if there == folder else ', not made yet'}"
    try:
        with tempfile.TemporaryFile(dir=there):
            free = shutil.disk_usage(there).free
    except OSError as error:
        mend = (
            f"make {there} writable"
            if name == "runs"
            else f"make {there} writable, or set JUDGEFAIR_HOME to a folder of your own"
        )
        return Finding("folders", name, "wrong", f"{found}: nothing can be written there ({error.strerror})", mend)
    told = f"{found}, {free / 1e9:,.1f} GB free"
    if free < LEAST_FREE:
        return Finding("folders", name, "wrong", told, f"free at least {LEAST_FREE / 1e9:.1f} GB")
    return Finding("folders", name, "ok", told)


def _keys(key_env: str, key_file: Path | None) -> Iterator[Finding]:
    """Whether there is a key; neither it nor its length is told."""
    from judgefair.models.choose import DEFAULT_KEY_ENV
    from judgefair.models.keys import read_key

    for name in dict.fromkeys((DEFAULT_KEY_ENV, key_env)):
        try:
            is_set = read_key(name) is not None
        except JudgefairError as error:  # a name that is none is perhaps the key itself
            yield Finding("keys", name if name in str(error) else "--key-env", "wrong", str(error))
            continue
        yield Finding("keys", name, "ok" if is_set else "note", "set" if is_set else "not set")
    if key_file is not None:
        try:
            read_key(key_env, key_file)
            yield Finding("keys", "--key-file", "ok", f"{key_file}: holds a key, and nobody else may read it")
        except JudgefairError as error:
            yield Finding("keys", "--key-file", "wrong", str(error))


def _environment(ctx: typer.Context) -> Iterator[Finding]:
    """Which variables are set; their values may be secret, as a proxy's password is, and are not told."""
    for name in PROXIES:
        if os.environ.get(name) or os.environ.get(name.lower()):
            yield Finding("environment", name, "note", "set")
    known = {*OTHERS, *_variables(ctx.find_root().command)}
    for name in sorted(name for name in os.environ if name.startswith("JUDGEFAIR_")):
        if name in known:
            yield Finding("environment", name, "note", "set")
        else:
            yield Finding("environment", name, "note", f"set, and read by nothing.{did_you_mean(name, known)}")


def _variables(command: Any) -> set[str]:
    """The environment variables that set options of a command and those below it."""
    found = {str(parameter.envvar) for parameter in command.params if parameter.envvar}
    return found.union(*(_variables(one) for one in getattr(command, "commands", {}).values()))


def _terminal() -> Iterator[Finding]:
    where = "a terminal" if sys.stdout.isatty() else "no terminal"
    yield Finding("terminal", "stdout", "ok", f"{where}, {shutil.get_terminal_size().columns} columns, {sys.stdout.encoding}")
    yield Finding("terminal", "TERM", "ok", os.environ.get("TERM") or "not set")
    yield Finding("terminal", "NO_COLOR", "ok", "set: no colour" if os.environ.get("NO_COLOR") else "not set")


def _ledgers() -> Iterator[Finding]:
    """Whether each ledger of looks is whole, also where only its last look is still known."""
    from judgefair import folders
    from judgefair.calibration.ledger import read_looks

    kept = [*folders.ledgers().glob("*.jsonl"), *(folders.cache() / "ledger_heads").glob("*.json")]
    for set_id in sorted({path.stem for path in kept}):
        try:
            yield Finding("ledgers", set_id, "ok", f"{len(read_looks(set_id)):,} looks at the locked test split, all in order")
        except (JudgefairError, OSError) as error:
            yield Finding("ledgers", set_id, "wrong", str(error))


def _asked(name: str, key_env: str, key_file: Path | None, timeout: float) -> Finding:
    import asyncio

    try:
        model = options.model_named(name, key_env, key_file, timeout)
        return asyncio.run(_answer(model))
    except JudgefairError as error:
        return Finding("model", "--model", "wrong", str(error))
    except Exception as error:  # a doctor says what happened; the words of an error that is not ours may hold a secret
        return Finding(
            "model", "--model", "wrong", f"it could not be asked: {type(error).__name__}", "check its name and address"
        )


async def _answer(model: "Model") -> Finding:
    """What a model says to one request; it is sent once, and not again."""
    from judgefair.models.budget import Budget
    from judgefair.models.client import Client
    from judgefair.models.gate import Gate, Limits
    from judgefair.models.model import sampling_for
    from judgefair.models.policy import RetryPolicy
    from judgefair.records import Missing

    async def failed(_: "Attempt") -> None:
        """Told by what `ask` returns."""

    body = {"model": model.name, "messages": [{"role": "user", "content": QUESTION}]}
    body |= sampling_for(model.name, {"max_tokens": 8, "temperature": 0})
    async with model.open() as post:
        client = Client(model, post, Gate(1, Limits(), Budget(calls=1)), RetryPolicy(attempts=1))
        landed = await client.ask(body, failed)
    if isinstance(landed, Missing):
        mend = "check the address and the server's log, then ask again" if landed.reason == "backend_failure" else ""
        return Finding("model", model.name, "wrong", f"{landed.reason}: {landed.detail}", mend)
    reply, attempt = landed
    tokens = f"{reply.prompt_tokens:,} + {reply.completion_tokens:,} tokens"
    return Finding("model", model.name, "ok", f"answered '{model.redact(reply.text)[:80]}' in {attempt.seconds:.2f} s, {tokens}")


def _say(findings: list[Finding]) -> None:
    about = ""
    for finding in findings:
        if finding.about != about:
            about = finding.about
            say(about)
        mark = {"ok": "     ", "note": "     ", "wrong": "WRONG"}[finding.status]
        say(f"  {mark} {finding.name:22} {finding.found}{f'. Next: {finding.next}' if finding.next else ''}")
    wrong = sum(finding.status == "wrong" for finding in findings)
    say("everything that is needed is in place" if not wrong else f"{wrong:,} wrong: see the lines above")
