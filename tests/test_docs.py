"""Do the README's commands exist, and is every public name documented?"""

import inspect
import re
import shlex
from pathlib import Path

import click
import pytest
import typer

import judgefair as jf
from judgefair.cli import app

README = Path(__file__).parents[1] / "README.md"


def commands_of(text: str) -> list[list[str]]:
    """The arguments of every judgefair command in fenced bash blocks; lines ending in a backslash go on."""
    blocks = re.findall(r"^```(?:bash|sh|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    words = [shlex.split(line, comments=True) for line in lines]
    commands = [line[i + 1 :] for line in words for i, word in enumerate(line) if Path(word).name == "judgefair"]
    return [[word for word in command if word not in {"...", "…"}] for command in commands]


def resolve(arguments: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words name, and the words that are left for it; KeyError where there is none."""
    command: click.Command = typer.main.get_command(app)
    rest = list(arguments)
    while hasattr(command, "commands"):
        if not rest or rest[0].startswith("-"):
            break
        if rest[0] not in command.commands and hasattr(command, "default"):
            rest.insert(0, command.default)
        command = command.commands[rest.pop(0)]
    return command, rest


def options_of(command: click.Command) -> set[str]:
    declared = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return {name for name in declared if name.startswith("-")} | {"-h", "--help"}


def test_commands_are_found_in_fenced_blocks() -> None:
    text = "```bash\n$ judgefair demo \\\n  --out x  # a comment\npip install x && .venv/bin/judgefair sets list\n```\njudgefair not this\n"
    assert commands_of(text) == [["demo", "--out", "x"], ["sets", "list"]]


def test_the_readme_has_commands_and_each_is_a_verb_with_these_options() -> None:
    commands = commands_of(README.read_text("utf-8"))
    assert commands, "the README shows no judgefair command in a ```bash block"
    for arguments in commands:
        try:
            command, rest = resolve(arguments)
        except KeyError as unknown:
            pytest.fail(f"README: judgefair {shlex.join(arguments)}: no verb {unknown}")
        used = {word.partition("=")[0] for word in rest if word.startswith("-")}
        assert used <= options_of(command), f"README: judgefair {shlex.join(arguments)}"


@pytest.mark.parametrize("name", jf.__all__)
def test_a_public_name_resolves_and_its_docstring_has_a_first_line(name: str) -> None:
    documented = inspect.getdoc(getattr(jf, name))
    assert documented
    assert documented.splitlines()[0].strip()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'load_rubrics'"):
        _ = jf.load_rubrics
