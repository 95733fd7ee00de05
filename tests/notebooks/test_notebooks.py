"""Do the notebooks run from a clean kernel, without touching what is the user's, and end with what may be concluded?"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SLOW = {
    "01_first_verdict", "03_is_the_judge_biased", "04_iterate_on_a_rubric", "05_compare_judges_across_contexts", "06_scale_out",
}  # fmt: skip
SECONDS_A_CELL = 200
ENDING = "## What may and may not be concluded"


def read(path: Path) -> Any:
    """As it was committed; nbformat raises where it is no notebook."""
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    return notebook


def lines_of(notebook: Any) -> list[str]:
    """All lines of prose."""
    return [line for cell in notebook.cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`python3` is this interpreter with this checkout, and Jupyter, IPython and temporary files are kept in the test's folder."""
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3",
        "language": "python",
    }
    folder = tmp_path / "jupyter" / "kernels" / "python3"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec), "utf-8")
    for name in ("temporary", "config", "runtime", "ipython"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("RAY_TMPDIR", tempfile.gettempdir())  # a socket's path may not be long
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    monkeypatch.delenv("JUDGEFAIR_DATA", raising=False)
    return tmp_path


def run(path: Path, kernels: Path) -> Any:
    """The notebook with its outputs, run in an empty folder; CellExecutionError has the cell that failed."""
    work = kernels / "work"
    work.mkdir()
    notebook = read(path)
    NotebookClient(notebook, timeout=SECONDS_A_CELL, kernel_name="python3", resources={"metadata": {"path": str(work)}}).execute()
    assert not list(work.iterdir()), "it writes into the folder it is run in"
    return notebook


def said(notebook: Any, stream: str) -> str:
    """All that was written to stdout or stderr."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "".join(output.text for output in outputs if output.output_type == "stream" and output.name == stream)


def test_there_are_the_six_notebooks_and_the_list_names_each() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05", "06"]
    listed = (ROOT / "notebooks" / "README.md").read_text("utf-8")
    assert all(f"({path.name})" in listed for path in NOTEBOOKS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs_counts_or_the_marks_of_a_machine(path: Path) -> None:
    notebook = read(path)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert dict(notebook.metadata) == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        assert not cell.metadata
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    assert len(notebook.cells) < 40


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_ends_with_what_may_and_may_not_be_concluded(path: Path) -> None:
    notebook = read(path)
    headings = [line for line in lines_of(notebook) if line.startswith("#")]
    assert headings[0].startswith("# ")
    assert headings[-1] == ENDING
    assert notebook.cells[-1].cell_type == "markdown"
    ending = notebook.cells[-1].source.split(ENDING)[1]
    assert "**May be concluded**" in ending
    assert "**May not be concluded**" in ending


@pytest.mark.parametrize(
    "path", [pytest.param(path, marks=[pytest.mark.slow] * (path.stem in SLOW), id=path.stem) for path in NOTEBOOKS]
)
def test_a_notebook_runs_from_a_clean_kernel_holds_its_claims_and_warns_of_nothing(path: Path, kernels: Path, home: Path) -> None:
    before = sorted(home.rglob("*"))
    notebook = run(path, kernels)
    assert said(notebook, "stderr") == ""
    assert sorted(home.rglob("*")) == before, "it touches the user's cache or ledgers"
    assert any("assert " in cell.source for cell in notebook.cells if cell.cell_type == "code")


@pytest.mark.slow
def test_judges_are_compared_on_human_labels_where_the_sets_are_there(
    kernels: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGEFAIR_DATA", str(data_folder))
    notebook = run(ROOT / "notebooks" / "05_compare_judges_across_contexts.ipynb", kernels)
    assert "The labels below are HUMAN." in said(notebook, "stdout")
    assert said(notebook, "stderr") == ""
