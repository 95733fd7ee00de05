"""Do `simulate` and `respond` fill a run that `judge` reads, tell what went wrong, and end with the code that DESIGN 14 gives it?"""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import judgefair as jf
from judgefair.models.stand_ins import PLAIN
from judgefair.runs.items import read_run_items
from judgefair.runs.queries import read_queries, read_responses
from judgefair.targets import make_target
from tests.cli.test_cli import HEAVY
from tests.command_line import Done, judgefair
from tests.runs.test_logs import ROWS, logs

SMALL = ("--scenarios", "2", "--axis", "dialect", "--cue", "situation", "--no-placebos")
LIBRARY_DESK = Path(__file__).parents[1] / "rubric" / "library_desk.yaml"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    return partial(judgefair, capsys)


@pytest.fixture
def simulated(run: Callable[..., Done], tmp_path: Path) -> Path:
    """A run with eight queries: two scenarios, neutral and three dialects."""
    done = run("simulate", "writing_tutor", *SMALL, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    return tmp_path / "run"


@pytest.mark.parametrize("verb", ["simulate", "respond"])
def test_help_imports_nothing_heavy(verb: str) -> None:
    code = (
        f"import sys; sys.argv = ['judgefair', {verb!r}, '--help']\n"
        "from judgefair.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print([name for name in {(*HEAVY, 'scipy', 'sklearn')!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.strip().endswith("[]")


# A dry run


def test_a_dry_run_tells_the_design_as_one_document_and_writes_nothing(
    run: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("simulate", "writing_tutor", "--scenarios", "4", "--strength", "2", "--dry-run", "--json")
    told = json.loads(done.out)
    assert done.code == 0
    assert {"arms", "blocks", "strength", "coverage", "calls", "minimal_gap"} <= set(told)
    # neutral, 3 x 3 dialects and first languages in each of two channels, and two placebos of the one reference in each
    assert (told["blocks"], told["strength"], told["coverage"], told["arms"]) == (4, 2, 1.0, 1 + 2 * 9 + 2 * 2)
    assert told["queries"] == 4 * told["arms"]
    assert told["calls_by_stage"] == {"render": 0, "check": 0, "respond": 92, "judge": 92}  # one call judges all criteria
    assert told["calls"] == 184
    assert told["minimal_gap"] > 0
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_counts_the_calls_that_render_and_check(run: Callable[..., Done], tmp_path: Path) -> None:
    with_models = ("--model", "scripted:first", "--reader", "scripted:hash", "--out", tmp_path / "run", "--dry-run", "--json")
    one = json.loads(run("simulate", "writing_tutor", *SMALL, *with_models).out)["calls_by_stage"]
    assert (one["render"], one["check"]) == (2 * 3, 2 * 3 * 2)  # each is compared, and read for its one population
    crossed = json.loads(run("simulate", "writing_tutor", "--scenarios", "4", "--strength", "2", *with_models).out)[
        "calls_by_stage"
    ]
    assert (crossed["render"], crossed["check"]) == (4 * 22, 4 * 22 * 3)  # and for both
    assert not (tmp_path / "run").exists()


def test_a_dry_run_in_words_names_every_arm(run: Callable[..., Done]) -> None:
    done = run("simulate", "writing_tutor", *SMALL, "--dry-run")
    assert "2 scenarios, 4 arms each, 8 queries" in done.out
    assert "strength 1, 100% of combinations covered, imbalance 0.0%" in done.out
    assert "  dialect=indian_english, situation\n" in done.out
    assert "smallest gap that could be told on critique_depth" in done.out


# From simulated users to ratings


def test_from_a_rubric_to_ratings_of_what_a_system_answered(run: Callable[..., Done], simulated: Path, tmp_path: Path) -> None:
    assert [query.kept for query in read_queries(simulated)] == [True] * 8
    done = run("respond", simulated, "--set", "model=scripted:first", "--id", "tutor", "--json")
    told = json.loads(done.out)
    assert (done.code, told["responses"], told["missing"]) == (0, 8, {})
    target = make_target("tutor", "chat", {"model": "scripted:first"}, tmp_path)
    assert told["system_fingerprint"] == target.fingerprint
    assert {(r.text, r.target, r.latency_ms) for r in read_responses(simulated)} == {(PLAIN[0], "tutor", None)}
    items = read_run_items(simulated)
    assert {item.meta["arm"] for item in items} == {
        "neutral", *(f"dialect={g}, situation" for g in ("mainstream", "african_american_english", "indian_english"))
    }  # fmt: skip
    jf.compile_judge(jf.load_rubric("writing_tutor")).save(tmp_path / "program.json")
    judged = run(
        "judge", "--program", tmp_path / "program.json", "--items", simulated / "items.parquet", "--model", "scripted:middle",
        "--out", simulated,
    )  # fmt: skip
    assert judged.code == 0, judged.err
    ratings = pq.read_table(simulated / "ratings.parquet").to_pylist()
    assert {row["item_id"] for row in ratings} == {item.item_id for item in items}
    assert len(ratings) == 8 * 2
    assert read_run_items(simulated) == items
    manifest = json.loads((simulated / "manifest.json").read_text("utf-8"))
    assert manifest["system"] == {
        "id": "tutor", "kind": "chat", "model": target.settings["model"], "fingerprint": target.fingerprint,
    }  # fmt: skip


def test_the_same_commands_again_write_the_same_bytes(run: Callable[..., Done], simulated: Path) -> None:
    def written() -> dict[str, bytes]:
        run("simulate", "writing_tutor", *SMALL, "--out", simulated)
        run("respond", simulated, "--set", "model=scripted:hash")
        return {path.name: path.read_bytes() for path in simulated.glob("*.parquet")}

    first = written()
    assert set(first) == {"queries.parquet", "responses.parquet", "items.parquet"}
    assert written() == first


def test_simulate_says_how_many_are_kept_and_what_comes_next(run: Callable[..., Done], tmp_path: Path) -> None:
    done = run("simulate", "writing_tutor", *SMALL, "--out", tmp_path / "run")
    assert "8 queries kept, 2 of 2 scenarios whole" in done.out
    assert f"Next: judgefair respond {tmp_path / 'run'}" in done.out
    told = json.loads(run("simulate", "writing_tutor", *SMALL, "--out", tmp_path / "run", "--json").out)
    assert told == {"run": str(tmp_path / "run"), "queries": 8, "kept": 8, "blocks": 2, "rejected_because": {}}


def test_what_a_rubric_has_and_the_design_leaves_out_is_noted_beside_the_result(run: Callable[..., Done]) -> None:
    done = run("simulate", LIBRARY_DESK, "--strength", "2", "--dry-run", "--json")
    assert json.loads(done.out)["notes"]
    assert "no channel in common" in done.err


def test_settings_are_taken_as_they_are_written(run: Callable[..., Done], simulated: Path) -> None:
    prompt = "You are: a tutor: [kind"  # no YAML
    told = json.loads(
        run("respond", simulated, "--set", "model=scripted:first", "--set", f"system_prompt={prompt}", "--json").out
    )
    wanted = make_target("system", "chat", {"model": "scripted:first", "system_prompt": prompt}, simulated)
    assert told["system_fingerprint"] == wanted.fingerprint


def test_the_named_variable_holds_the_key_of_the_system(
    run: Callable[..., Done], simulated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    done = run("respond", simulated, "--set", "model=tiny", "--key-env", "DESK_KEY")
    assert (done.code, "DESK_KEY is not set" in done.err) == (1, True)


# Exit codes


def test_a_budget_that_ends_the_work_ends_with_4_and_the_same_command_goes_on(run: Callable[..., Done], simulated: Path) -> None:
    line = ("respond", simulated, "--set", "model=scripted:first", "--no-cache", "--concurrency", "1")
    over = run(*line, "--max-calls", "5", "--json")
    assert (over.code, json.loads(over.out)["missing"]) == (4, {"over_budget": 3})
    assert "3 queries were not put: the budget is used up" in over.err
    assert run(*line, "--max-calls", "3").code == 0


def test_a_budget_that_ends_the_rendering_ends_with_4(run: Callable[..., Done], tmp_path: Path) -> None:
    line = ("simulate", "writing_tutor", *SMALL, "--model", "scripted:first", "--rerenders", "0", "--out", tmp_path / "run")
    done = run(*line, "--max-calls", "2", "--no-cache")
    assert done.code == 4
    assert "4 questions were not put: the budget is used up" in done.err


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (("simulate", "writing_tutor"), 2, "expected --out RUN to write queries to, or --dry-run"),
        (("simulate", "writing_tutor", "--strength", "0", "--dry-run"), 2, ""),
        (("simulate", "writing_tutr", "--dry-run"), 1, "Did you mean 'writing_tutor'?"),
        (("simulate", "writing_tutor", "--axis", "dialct", "--dry-run"), 1, "Did you mean 'dialect'?"),
        (("simulate", "writing_tutor", "--cue", "nmae", "--dry-run"), 1, "Did you mean 'name'?"),
        (("simulate", "writing_tutor", "--scenarios", "1000001", "--dry-run"), 1, "Expected 1 to "),
        (("simulate", "writing_tutor", *SMALL, "--model", "scripted:frist", "--out", "{tmp}/run"), 1, "Did you mean 'first'?"),
        (("respond", "{tmp}/nowhere", "--set", "model=scripted:first"), 1, "Run judgefair simulate RUBRIC --out {tmp}/nowhere first"),
        (("respond", "{tmp}", "--set", "model"), 2, "Expected KEY=VALUE"),
        (("respond", "{tmp}", "--target", "chatt"), 1, "Did you mean 'chat'?"),
        (("respond", "{tmp}", "--set", "modle=scripted:first"), 1, "Did you mean 'model'?"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_in_words(
    run: Callable[..., Done], tmp_path: Path, line: tuple[str, ...], code: int, said: str
) -> None:
    done = run(*(part.replace("{tmp}", str(tmp_path)) for part in line))
    assert done.code == code
    assert said.replace("{tmp}", str(tmp_path)) in done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []


# Real users


def test_real_users_queries_are_taken_in_with_their_card(run: Callable[..., Done], tmp_path: Path) -> None:
    table, card = logs(tmp_path, ROWS)
    line = ("simulate", "import", table, "--rubric", LIBRARY_DESK, "--card", card, "--out", tmp_path / "logs")
    done = run(*line, "--json")
    assert json.loads(done.out) == {"folder": str(tmp_path / "logs"), "queries": 3, "users": 2}
    assert len(read_queries(tmp_path / "logs")) == 3
    again = run(*line)
    assert (again.code, "nothing is overwritten" in again.err) == (1, True)


def test_without_consent_real_users_queries_stay_out(run: Callable[..., Done], tmp_path: Path) -> None:
    table, card = logs(tmp_path, ROWS, consent=None)
    done = run("simulate", "import", table, "--rubric", LIBRARY_DESK, "--card", card, "--out", tmp_path / "logs")
    assert (done.code, "consent" in done.err, done.out) == (1, True, "")
    assert not (tmp_path / "logs").exists()
