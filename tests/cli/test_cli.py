"""Does every verb do what it says, tell what went wrong, and end with the code that DESIGN 14 gives it?"""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import pandas as pd
import pytest
import typer

import judgefair as jf
from judgefair import plugins
from judgefair.cli import app
from judgefair.compile import load_program
from tests.command_line import Done, judgefair

HEAVY = ("dspy", "openai", "datasets", "pandas", "litellm", "ray", "numpy", "pyarrow")
ROWS = [
    {"item_id": f"i{i}", "rater_id": rater, "value": 1 + (i * k) % 5, "pop.dialect": "ab"[i % 2], "scenario_id": f"s{i // 2}"}
    for i in range(8)
    for k, rater in enumerate(("ann", "bob", "gpt"), 1)
]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    return partial(judgefair, capsys)


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    """Made-up ratings."""
    pd.DataFrame(ROWS).to_csv(tmp_path / "ratings.csv", index=False)
    return tmp_path / "ratings.csv"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    jf.compile_judge(jf.load_rubric("writing_tutor")).save(tmp_path / "program.json")
    return tmp_path / "program.json"


@pytest.fixture
def items(tmp_path: Path) -> Path:
    lines = [json.dumps({"item_id": f"i{i}", "query": f"q{i}", "response": f"r{i}"}) for i in range(4)]
    (tmp_path / "items.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    return tmp_path / "items.jsonl"


# Help


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; sys.argv = ['judgefair', '--help']\n"
        "from judgefair.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.strip().endswith("[]")
    assert "validate" in done.stdout


def every_command(group: click.Command, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    found = []
    for name, command in getattr(group, "commands", {}).items():
        found += [((*path, name), command), *every_command(command, (*path, name))]
    return found


COMMANDS = every_command(typer.main.get_command(app))


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[" ".join(path) for path, _ in COMMANDS])
def test_every_verb_and_every_option_has_help(path: tuple[str, ...], command: click.Command, run: Callable[..., Done]) -> None:
    assert command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None) or parameter.name == "help", parameter.name
    done = run(*path, "--help")
    assert done.code == 0
    assert command.help.split(".")[0].split("\n")[0][:30] in done.out


def test_the_verbs_are_those_that_this_version_has() -> None:
    verbs = {path[0] for path, _ in COMMANDS}
    assert verbs == {
        "demo",
        "doctor",
        "review",
        "init",
        "check",
        "compile",
        "simulate",
        "respond",
        "run",
        "annotate",
        "judge",
        "show",
        "validate",
        "estimate",
        "compare",
        "probe",
        "suggest",
        "plan",
        "sets",
        "models",
        "report",
        "plugins",
    }


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["validate", "--nonsense"], ["compile"], ["init"], ["check"], ["sets", "show"]]
)
def test_a_wrong_use_exits_with_2(arguments: list[str], run: Callable[..., Done]) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")


# init, check, compile


def test_init_writes_a_starter_that_passes_check_without_a_warning(run: Callable[..., Done], tmp_path: Path) -> None:
    assert run("init", tmp_path / "mine").code == 0
    done = run("check", tmp_path / "mine")
    assert done.code == 0
    assert ": ok, rubric" in done.out
    assert "warning" not in done.err


def test_init_never_overwrites(run: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "rubric.yaml").write_text("my work", "utf-8")
    done = run("init", tmp_path / "mine")
    assert (done.code, done.out) == (1, "")
    assert [(path.name, path.read_text("utf-8")) for path in (tmp_path / "mine").iterdir()] == [("rubric.yaml", "my work")]


def test_check_of_a_table_says_what_it_supports_and_which_column_would_unlock_the_rest(
    run: Callable[..., Done], ratings: Path
) -> None:
    done = run("check", ratings)
    assert done.code == 0
    assert "24 ratings of 8 items by 3 raters" in done.out
    yes = [line for line in done.out.splitlines() if line.startswith("  yes")]
    no = [line for line in done.out.splitlines() if line.startswith("  no")]
    assert any("a judge against humans" in line for line in yes)
    assert any("by population: axes dialect" in line for line in yes)
    assert any("several criteria: add a column criterion" in line for line in no)
    assert any("rater.<attribute>" in line for line in no)


def test_check_warns_of_a_column_that_nothing_reads(run: Callable[..., Done], ratings: Path) -> None:
    table = pd.read_csv(ratings).rename(columns={"scenario_id": "scenarioid"})
    table.to_csv(ratings, index=False)
    done = run("check", ratings)
    assert done.code == 0
    assert "'scenarioid' is read by nothing. Did you mean 'scenario_id'?" in done.err


def test_check_takes_several_paths_and_prints_one_json_document(run: Callable[..., Done], ratings: Path, tmp_path: Path) -> None:
    run("init", tmp_path / "mine")
    card = Path(jf.load_calibration_set("writing_tutor_anchors").folder)
    done = run("check", tmp_path / "mine", card, ratings, tmp_path / "nothing", "--json")
    assert done.code == 1
    results = json.loads(done.out)
    assert [(r["ok"], r.get("kind")) for r in results] == [(True, "rubric"), (True, "card"), (True, "ratings"), (False, None)]
    assert results[1]["labels"] == "constructed"
    assert "nothing to check" in results[3]["errors"][0]


def test_compile_writes_a_program_that_loads(run: Callable[..., Done], tmp_path: Path) -> None:
    done = run("compile", "writing_tutor", "--out", tmp_path / "new" / "p.json", "--json")
    assert done.code == 0, done.err
    loaded = load_program(tmp_path / "new" / "p.json")
    assert json.loads(done.out)["fingerprint"] == loaded.fingerprint
    assert loaded.rubric == jf.load_rubric("writing_tutor")


def test_compile_of_a_broken_rubric_writes_nothing(run: Callable[..., Done], tmp_path: Path) -> None:
    run("init", tmp_path / "mine")
    path = tmp_path / "mine" / "rubric.yaml"
    path.write_text(
        path.read_text("utf-8").replace("kind: ordinal", "kind: ordinall").replace("kind: binary", "kind: binari"), "utf-8"
    )
    done = run("compile", tmp_path / "mine", "--out", tmp_path / "p.json")
    assert (done.code, done.out) == (1, "")
    assert "Did you mean" in done.err
    assert "rubric.yaml:" in done.err
    assert not (tmp_path / "p.json").exists()


# sets


def test_sets_list_has_every_set_with_its_labels(run: Callable[..., Done]) -> None:
    rows = json.loads(run("sets", "list", "--json").out)
    assert {row["id"]: row["labels"] for row in rows}["writing_tutor_anchors"] == "constructed"
    assert {row["id"] for row in rows if row["here"]} == {row["id"] for row in rows if row["labels"] == "constructed"}
    text = run("sets", "list").out
    assert all(row["id"] in text for row in rows)


def test_sets_show_tells_counts_splits_and_looks(run: Callable[..., Done]) -> None:
    shown = json.loads(run("sets", "show", "writing_tutor_anchors", "--json").out)
    cset = jf.load_calibration_set("writing_tutor_anchors")
    assert shown["items"] == len(cset.items) == sum(split["items"] for split in shown["splits"].values())
    assert shown["looks"] == []
    assert "looks at the locked test split: 0" in run("sets", "show", "writing_tutor_anchors").out


def test_a_set_that_is_not_here_tells_the_command_that_brings_it(run: Callable[..., Done]) -> None:
    done = run("sets", "show", "hatecheck")
    assert (done.code, done.out) == (1, "")
    assert "judgefair sets fetch hatecheck" in done.err
    assert "Did you mean 'hatecheck'?" in run("sets", "show", "hatechek").err


def test_sets_fetch_reads_files_from_a_folder(run: Callable[..., Done], data_folder: Path) -> None:
    done = run("sets", "fetch", "dices_350", "--from", data_folder, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["items"] == 350
    assert "Licence of the data: CC-BY-4.0" in done.err
    assert run("sets", "show", "dices_350").code == 0


def test_sets_fetch_from_a_folder_without_the_files_keeps_nothing(run: Callable[..., Done], tmp_path: Path, home: Path) -> None:
    done = run("sets", "fetch", "dices_350", "--from", tmp_path)
    assert (done.code, done.out) == (1, "")
    assert "dices_350_crowdsourced.json is not in it" in done.err
    assert list((home / "cache" / "sets").iterdir()) == []


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_an_imported_table_is_a_set_that_loads(suffix: str, run: Callable[..., Done], tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS).rename(columns={"value": "score"})
    path = tmp_path / f"table.{suffix}"
    {
        "csv": lambda: frame.to_csv(path, index=False),
        "tsv": lambda: frame.to_csv(path, index=False, sep="\t"),
        "jsonl": lambda: frame.to_json(path, orient="records", lines=True),
        "parquet": lambda: frame.to_parquet(path),
    }[suffix]()
    out = tmp_path / "my_set"
    done = run("sets", "import", path, "--out", out, "--scale", "ordinal:1-5", "--labels", "human", "--map", "value=score")
    assert done.code == 0, done.err
    assert_is_the_table(out)
    assert run("check", out).code == 0


def assert_is_the_table(folder: Path) -> None:
    cset = jf.load_calibration_set(folder)
    assert (cset.id, cset.card.labels, list(cset.card.criteria)) == ("my_set", "human", ["rating"])
    found = cset.ratings[["item_id", "rater_id", "code"]].to_records(index=False).tolist()
    assert found == [(row["item_id"], row["rater_id"], float(row["value"])) for row in ROWS]
    assert {i.item_id: (i.scenario_id, i.populations["dialect"]) for i in cset.items} == {
        row["item_id"]: (row["scenario_id"], row["pop.dialect"]) for row in ROWS
    }


def test_a_data_set_of_the_hub_s_form_is_imported_through_datasets_offline(tmp_path: Path, home: Path) -> None:
    (tmp_path / "data").mkdir()
    with (tmp_path / "data" / "train.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(ROWS[0]))
        writer.writeheader()
        writer.writerows(ROWS)
    out = tmp_path / "my_set"
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    done = subprocess.run(
        [
            sys.executable, "-c", "from judgefair.cli import main; main()", "sets", "import", f"hub:{tmp_path / 'data'}#train",
            "--out", str(out), "--scale", "ordinal:1-5", "--labels", "human",
        ],
        capture_output=True, text=True, timeout=200, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(out)
    assert_is_the_table(out)


def test_an_import_keeps_replicates_and_leaves_judges_out_of_the_humans(run: Callable[..., Done], tmp_path: Path) -> None:
    rows = [{"item_id": "a", "rater_id": "ann", "value": 1, "replicate": k, "rater_kind": "human"} for k in (0, 1)]
    rows += [{"item_id": "a", "rater_id": "gpt", "value": 2, "replicate": 0, "rater_kind": "judge"}]
    pd.DataFrame(rows).to_csv(tmp_path / "t.csv", index=False)
    out = tmp_path / "my_set"
    done = run("sets", "import", tmp_path / "t.csv", "--out", out, "--scale", "ordinal:1-5", "--labels", "human")
    assert done.code == 0, done.err
    ratings = jf.load_calibration_set(out).ratings
    assert ratings[["rater_id", "replicate"]].to_records(index=False).tolist() == [("ann", 0), ("ann", 1)]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--labels", "humn"], "Did you mean 'human'?"),
        (["--scale", "ordinal:1-3"], "is no level of rating"),
        (["--map", "valu=x"], "Did you mean 'value'?"),
        (["--map", "value=x"], "no column 'x'"),
    ],
)
def test_an_import_that_fails_leaves_nothing(
    more: list[str], said: str, run: Callable[..., Done], ratings: Path, tmp_path: Path
) -> None:
    options = {"--scale": "ordinal:1-5", "--labels": "human"} | dict([more])
    flat = [word for pair in options.items() for word in pair]
    done = run("sets", "import", ratings, "--out", tmp_path / "my_set", *flat)
    assert (done.code, done.out) == (1, "")
    assert said in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ratings.csv"]


# judge, report, models, plugins


def test_judge_prints_one_json_document_and_keeps_ratings(
    run: Callable[..., Done], program: Path, items: Path, tmp_path: Path
) -> None:
    done = run("judge", "--program", program, "--items", items, "--model", "scripted:hash", "--out", tmp_path / "run", "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    loaded = load_program(program)
    assert len(pd.read_parquet(result["ratings"])) == 4 * len(loaded.rubric.criteria)
    assert result["judgments"] == result["calls"] == 4 * len(loaded.prompts)
    again = run("judge", "--program", program, "--items", items, "--model", "scripted:hash", "--out", tmp_path / "run", "--json")
    assert json.loads(again.out)["reused"] == 4 * len(loaded.prompts)


def test_a_budget_that_is_used_up_exits_with_4_and_keeps_what_landed(
    run: Callable[..., Done], program: Path, items: Path, tmp_path: Path
) -> None:
    arguments = ["judge", "--program", program, "--items", items, "--model", "scripted:hash", "--out", tmp_path / "run", "--json"]
    done = run(*arguments, "--max-calls", "2", "--no-cache")
    assert done.code == 4
    assert "the budget is used up" in done.err
    assert json.loads(done.out)["missing"]["over_budget"] > 0
    more = run(*arguments, "--no-cache")
    assert more.code == 0, more.err
    assert json.loads(more.out)["reused"] == 2


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"--program": "nothing.json"}, "judgefair compile RUBRIC --out"),
        ({"--items": "nothing.jsonl"}, "cannot be read"),
        ({"--model": "scripted:hsh"}, "Did you mean 'hash'?"),
    ],
)
def test_judge_tells_what_is_wrong_with_its_input(
    changed: dict[str, str], said: str, run: Callable[..., Done], program: Path, items: Path, tmp_path: Path
) -> None:
    options = {"--program": program, "--items": items, "--model": "scripted:hash", "--out": tmp_path / "run"} | changed
    done = run("judge", *[word for pair in options.items() for word in pair])
    assert (done.code, done.out) == (1, "")
    assert said in done.err
    assert not (tmp_path / "run").exists()


def test_report_renders_the_same_bytes_again(run: Callable[..., Done], ratings: Path, tmp_path: Path) -> None:
    run("validate", "--ratings", ratings, "--judge", "gpt", "--scale", "ordinal:1-5", "--out", tmp_path / "run")
    names = ("report.html", "report.md", "report.json")
    before = {name: (tmp_path / "run" / name).read_bytes() for name in names}
    (tmp_path / "run" / "report.html").unlink()
    done = run("report", tmp_path / "run")
    assert done.code == 0, done.err
    assert {name: (tmp_path / "run" / name).read_bytes() for name in names} == before
    assert json.loads(run("report", tmp_path / "run", "--json").out) == json.loads(before["report.json"])
    assert run("report", tmp_path / "nothing").code == 1


def test_validate_with_a_program_resumes_to_the_same_report(run: Callable[..., Done], program: Path, tmp_path: Path) -> None:
    arguments = [
        "validate", "--program", program, "--set", "writing_tutor_anchors", "--split", "dev", "--model", "scripted:hash",
        "--out", tmp_path / "run", "--as-of", "2026-01-01",
    ]  # fmt: skip
    first = run(*arguments, "--json")
    assert first.code == 3, first.err  # a scripted judge passes no gate
    assert "scripted:hash did not pass the validity gate of writing_tutor on writing_tutor_anchors" in first.err
    assert any(check["status"] != "passed" for check in json.loads(first.out)["gate"])
    names = {"items.parquet", "ratings.parquet", "validation.json", "manifest.json", "program.json", "report.html"}
    assert names <= {path.name for path in (tmp_path / "run").iterdir()}
    kept = (tmp_path / "run" / "report.html").read_bytes()
    again = run(*arguments)
    assert again.code == 3
    assert (tmp_path / "run" / "report.html").read_bytes() == kept
    assert json.loads(first.out)["labels"] == "constructed"


def test_demo_leaves_both_studies_with_their_reports_and_says_what_their_labels_are(
    run: Callable[..., Done], tmp_path: Path
) -> None:
    done = run("demo", "--out", tmp_path / "demo", "--model", "scripted:hash", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert {name: report["labels"] for name, report in told.items()} == {"planted": "simulated", "real": "constructed"}
    for name, report in told.items():
        assert json.loads((tmp_path / "demo" / name / "report.json").read_text("utf-8")) == report
        assert (tmp_path / "demo" / name / "report.html").is_file()
    assert {v["verdict"] for v in told["real"]["verdicts"]} == {"undetermined", "reported"}
    assert all(
        "constructed" in " ".join(v["reasons"]) or "no item of the run" in v["reasons"][0] for v in told["real"]["verdicts"]
    )


def test_models_list_names_the_embedded_and_the_scripted_ones(run: Callable[..., Done]) -> None:
    rows = json.loads(run("models", "list", "--json").out)
    assert {"local", "scripted:hash", "scripted:middle"} <= {row["model"] for row in rows}
    assert "scripted:hash" in run("models", "list").out


def test_plugins_lists_every_group(run: Callable[..., Done]) -> None:
    found = json.loads(run("plugins", "--json").out)
    assert found == {group: plugins.names(group) for group in plugins.GROUPS}
    assert "ordinal" in run("plugins").out
