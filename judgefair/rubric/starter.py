"""What does a new rubric look like? A commented starter that passes `check`."""

import tempfile
from importlib.resources import files
from pathlib import Path

from judgefair.errors import InputError
from judgefair.rubric.lint import changelog_heading
from judgefair.rubric.load import load_rubric


def write_starter(folder: Path) -> list[Path]:
    """Write rubric.yaml, CHANGELOG.md and README.md; InputError where one of them is there already."""
    there = [name for name in ("rubric.yaml", "CHANGELOG.md", "README.md") if (folder / name).exists()]
    if there:
        raise InputError(f"{folder / there[0]} is there already, and nothing is overwritten. Choose another folder")
    text = files("judgefair.rubric").joinpath("starter.yaml").read_text("utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch, "rubric.yaml").write_text(text, "utf-8")
        rubric = load_rubric(scratch)
    contents = {
        "rubric.yaml": text,
        "CHANGELOG.md": f"# Changelog\n\n{changelog_heading(rubric)}\n\nFirst draft, from the starter.\n",
        "README.md": "# Why this context\n\nWhich harms, which literature, who was asked, and what this rubric cannot see.\n",
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / name).write_text(content, "utf-8")
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}). Choose another folder") from None
    return [folder / name for name in contents]
