"""Does what the documentation shows do what it says? Python runs, commands exist, rubrics are sound, the tutorial's output is its own."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest
import typer

from judgefair.cli import app
from judgefair.rubric import load_rubric
from judgefair.rubric.strict_yaml import read_yaml
from judgefair.study.options import load_study
from tests.command_line import judgefair

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
RUN_AS_WRITTEN = ["howto/own_ratings.md"]
RUN_AS_WRITTEN_SLOW = ["tutorial.md"]


class Fence(NamedTuple):
    """A fenced block: its language, the rest of its first line, and what stands in it."""

    language: str
    options: str
    text: str

    @property
    def title(self) -> str | None:
        found = re.search(r'title="([^"]+)"', self.options)
        return found[1] if found else None


def fences(page: Path) -> list[Fence]:
    found = re.findall(r"^```(\w+)([^\n]*)\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [Fence(*one) for one in found]


def name_of(page: Path) -> str:
    return str(page.relative_to(DOCS))


def commands_of(fence: Fence) -> Iterator[list[str]]:
    for line in fence.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words and words[0] == "judgefair":
            yield words[1:]


def resolve(arguments: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words name and the words left for it; KeyError where there is none."""
    command: click.Command = typer.main.get_command(app)
    rest = list(arguments)
    while hasattr(command, "commands"):
        if not rest:
            break
        if rest[0] not in command.commands and hasattr(command, "default"):
            rest.insert(0, command.default)
        command = command.commands[rest.pop(0)]
    return command, rest


def write_titled(page: Path, folder: Path) -> None:
    """Put blocks with a title where the page says that the reader saves them."""
    for fence in fences(page):
        if fence.title and fence.language in {"yaml", "csv"}:
            (folder / fence.title).parent.mkdir(parents=True, exist_ok=True)
            (folder / fence.title).write_text(fence.text, "utf-8")


def test_there_are_pages_with_blocks_of_each_kind() -> None:
    kinds = {fence.language for page in PAGES for fence in fences(page)}
    assert {"bash", "python", "text", "yaml", "csv"} <= kinds


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_fence_has_a_language_and_is_closed(page: Path) -> None:
    lines = [line for line in page.read_text("utf-8").splitlines() if line.startswith("```")]
    assert len(lines) % 2 == 0
    assert [line for line in lines[::2] if line == "```"] == []
    assert [line for line in lines[1::2] if line != "```"] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_in_bash_blocks_are_verbs_with_these_options(page: Path) -> None:
    for fence in fences(page):
        if fence.language != "bash":
            continue
        found = list(commands_of(fence))
        assert len(found) == len([line for line in fence.text.replace("\\\n", " ").splitlines() if line.strip()]), fence.text
        for arguments in found:
            try:
                command, rest = resolve(arguments)
            except KeyError as unknown:
                pytest.fail(f"{name_of(page)}: judgefair {shlex.join(arguments)}: no verb {unknown}")
            declared = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
            used = {word.partition("=")[0] for word in rest if word.startswith("--")}
            assert used <= declared, f"{name_of(page)}: judgefair {shlex.join(arguments)}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_verbs_named_in_prose_exist(page: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for said in re.findall(r"`judgefair ([a-z][^`]*)`", prose):
        command, rest = resolve(said.split())
        declared = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
        assert {word for word in rest if word.startswith("--")} <= declared, said


@pytest.mark.parametrize("page", [page for page in PAGES if any(f.language == "python" for f in fences(page))], ids=name_of)
def test_python_blocks_of_a_page_run_one_after_the_other(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_titled(page, tmp_path)
    namespace: dict[str, object] = {"__name__": "__main__"}
    for fence in fences(page):
        if fence.language == "python" and "notest" not in fence.options:
            exec(compile(fence.text, name_of(page), "exec"), namespace)


@pytest.mark.parametrize("page", [page for page in PAGES if any(f.language == "yaml" for f in fences(page))], ids=name_of)
def test_whole_files_in_yaml_blocks_are_sound(page: Path, tmp_path: Path) -> None:
    write_titled(page, tmp_path)
    for fence in fences(page):
        if fence.language != "yaml":
            continue
        path = tmp_path / (fence.title or "part.yaml")
        path.write_text(fence.text, "utf-8")
        said = read_yaml(path).data
        if "criteria" in said and "version" in said:
            assert load_rubric(path).id == said["id"]
        elif "systems" in said:
            assert load_study(path).id == said["id"]


def as_written(page: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Run each command of a page in one folder; a text block that follows a command is what it prints."""
    write_titled(DOCS / page, folder)
    printed = None
    for fence in fences(DOCS / page):
        if fence.language == "bash":
            for arguments in commands_of(fence):
                done = judgefair(capsys, *arguments)
                assert done.code == 0, f"{page}: judgefair {shlex.join(arguments)}: {done.err}"
                printed = done.out
        elif fence.language == "text" and printed is not None:
            assert printed.replace(f"{folder}/", "").strip() == fence.text.strip(), page
            printed = None


@pytest.mark.parametrize("page", RUN_AS_WRITTEN)
def test_commands_of_the_quick_start_print_what_the_page_shows(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    as_written(page, tmp_path, capsys)
    assert (tmp_path / "checked/report.html").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN_AS_WRITTEN_SLOW)
def test_commands_of_the_tutorial_print_what_the_page_shows(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUDGEFAIR_HOME", str(tmp_path / "home"))
    as_written(page, tmp_path, capsys)
    study = (tmp_path / "study.yaml").read_text("utf-8")
    (tmp_path / "study.yaml").write_text(study.replace("n: 150", "n: 45"), "utf-8")
    few = judgefair(capsys, "run", "study.yaml", "--out", "runs/few")
    assert "6 undetermined" in few.out, "the tutorial says that too few labels earn no verdict"


@pytest.mark.slow
def test_every_estimand_of_the_tutorials_run_is_in_the_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    from tests.docs.test_reference import is_named

    monkeypatch.chdir(tmp_path)
    write_titled(DOCS / "tutorial.md", tmp_path)
    assert judgefair(capsys, "run", "study.yaml", "--out", "run").code == 0
    found = {row["estimand"] for row in json.loads((tmp_path / "run/report.json").read_text("utf-8"))["estimates"]}
    assert "gap.corrected" in found
    assert [name for name in sorted(found) if not is_named(name)] == []
