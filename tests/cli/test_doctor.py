"""Does `doctor` find what is wrong, say what to do next, and keep every secret to itself?"""

import json
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path

import pytest

from judgefair.calibration.ledger import Look, ledger_path, record_look
from tests.command_line import Done, judgefair
from tests.loopback import loopback, raw, status

CANARY = "sk-canary/4f1+c0ffee"
YES = raw(
    json.dumps({
        "object": "chat.completion", "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yes"}}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1},
    })
)  # fmt: skip


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return partial(judgefair, capsys, "doctor")


def findings(done: Done) -> dict[tuple[str, str], tuple[str, str, str]]:
    """What was found, by what it is about."""
    told = json.loads(done.out)
    assert told["ok"] is (done.code == 0)
    return {(one["about"], one["name"]): (one["status"], one["found"], one["next"]) for one in told["findings"]}


def test_all_is_well_where_nothing_is_wrong_and_nothing_is_left_behind(
    run: Callable[..., Done], tmp_path: Path, home: Path
) -> None:
    before = sorted(home.rglob("*"))
    done = run("--json")
    assert done.code == 0, done.out
    found = findings(done)
    assert found["versions", "judgefair"] == ("ok", metadata.version("judgefair"), "")
    assert {"dspy-ai", "openai", "pandas", "pyarrow", "krippendorff", "datasets", "ray", "xllamacpp"} <= {
        name for _, name in found
    }
    assert found["folders", "cache"][1].startswith(str(home / "cache"))
    assert found["folders", "runs"][1].startswith(str(tmp_path / "runs"))
    assert found["keys", "OPENAI_API_KEY"] == ("note", "not set", "")
    assert sorted(home.rglob("*")) == before
    assert list(tmp_path.iterdir()) == []
    text = run()
    assert (text.code, "everything that is needed is in place" in text.out) == (0, True)


@pytest.mark.parametrize("as_json", [True, False])
def test_no_secret_is_told_nor_how_long_it_is(
    run: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    for name in ("OPENAI_API_KEY", "MY_KEY", "JUDGEFAIR_MODEL"):
        monkeypatch.setenv(name, CANARY)
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{CANARY}@proxy")
    (tmp_path / "key").write_text(CANARY, "utf-8")
    (tmp_path / "key").chmod(0o600)
    more = ("--json",) if as_json else ()
    done = run("--key-env", "MY_KEY", "--key-file", "key", *more)
    assert done.code == 0, done.out
    assert CANARY not in done.out + done.err
    assert f" {len(CANARY)} " not in done.out
    if as_json:
        found = findings(done)
        assert found["keys", "OPENAI_API_KEY"][:2] == found["keys", "MY_KEY"][:2] == ("ok", "set")
        assert found["environment", "HTTPS_PROXY"][1] == found["environment", "JUDGEFAIR_MODEL"][1] == "set"


def test_a_key_in_place_of_its_variable_s_name_is_not_repeated(run: Callable[..., Done]) -> None:
    done = run("--key-env", CANARY, "--json")
    assert (done.code, CANARY in done.out + done.err) == (1, False)
    assert "no name of an environment variable" in findings(done)["keys", "--key-env"][1]


def test_a_key_file_that_others_may_read_is_wrong(run: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "key").write_text(CANARY, "utf-8")
    (tmp_path / "key").chmod(0o644)
    done = run("--key-file", "key", "--json")
    assert (done.code, CANARY in done.out) == (1, False)
    assert "chmod 600" in findings(done)["keys", "--key-file"][1]


def test_one_request_is_put_to_a_model_that_is_named(run: Callable[..., Done]) -> None:
    with loopback(YES) as server:
        done = run("--model", f"tiny@{server.address}", "--json")
        assert len(server.calls) == 1
    assert done.code == 0, done.out
    state, said, _ = findings(done)["model", "tiny"]
    assert (state, "answered 'yes'" in said, "9 + 1 tokens" in said) == ("ok", True, True)


@pytest.mark.parametrize(
    ("behaviour", "said"), [(status(401, f"{CANARY} is no key"), "--key-env"), (status(503, f"busy, {CANARY}"), "HTTP 503")]
)
def test_what_a_model_s_server_refuses_is_told_with_the_next_step_and_without_the_key(
    run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, behaviour: object, said: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    with loopback(behaviour) as server:  # type: ignore[arg-type]
        done = run("--model", f"tiny@{server.address}")
        assert len(server.calls) == 1
    assert done.code == 1
    assert said in done.out
    assert CANARY not in done.out + done.err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gpt-4.1", "OPENAI_API_KEY is not set"),
        ("http://user:canary@127.0.0.1/v1", "user name or password"),
        (f"http://user:{CANARY}@127.0.0.1/v1", "WRONG"),
        ("scripted:frist", "Did you mean 'first'?"),
    ],
)
def test_a_model_that_cannot_be_asked_is_wrong(run: Callable[..., Done], name: str, said: str) -> None:
    done = run("--model", name)
    assert (done.code, said in done.out) == (1, True)
    assert "canary" not in done.out + done.err


def test_a_ledger_that_was_cut_or_edited_is_wrong(run: Callable[..., Done]) -> None:
    for k in range(2):
        record_look(Look(f"2026-01-0{k + 1}T00:00:00+00:00", "p", "judge", "mine", "test", "f"))
    assert findings(run("--json"))["ledgers", "mine"] == ("ok", "2 looks at the locked test split, all in order", "")
    first, *_ = ledger_path("mine").read_text("utf-8").splitlines()
    ledger_path("mine").write_text(first + "\n", "utf-8")
    done = run("--json")
    assert (done.code, findings(done)["ledgers", "mine"][0]) == (1, "wrong")
    ledger_path("mine").unlink()
    done = run("--json")
    assert (done.code, "restore the ledger" in findings(done)["ledgers", "mine"][1]) == (1, True)


def test_a_folder_that_cannot_be_written_to_is_wrong(
    run: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("JUDGEFAIR_HOME", str(tmp_path / "file"))
    done = run("--json")
    state, said, mend = findings(done)["folders", "cache"]
    assert (done.code, state) == (1, "wrong")
    assert "nothing can be written there" in said
    assert "JUDGEFAIR_HOME" in mend


def test_a_full_disk_is_wrong(run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1_000}))
    done = run("--json")
    assert (done.code, findings(done)["folders", "runs"][0]) == (1, "wrong")


def test_what_is_not_installed_is_wrong_only_where_it_is_needed(
    run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    there, absent = metadata.version, {"ray"}

    def version(name: str) -> str:
        if name in absent:
            raise metadata.PackageNotFoundError(name)
        return there(name)

    monkeypatch.setattr(metadata, "version", version)
    done = run("--json")
    assert (done.code, findings(done)["versions", "ray"][:2]) == (0, ("note", "not installed"))
    absent.add("pandas")
    done = run("--json")
    assert (done.code, findings(done)["versions", "pandas"][:2]) == (1, ("wrong", "not installed"))


def test_a_variable_that_nothing_reads_is_pointed_out(run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGEFAIR_CONCURENCY", "4")
    monkeypatch.setenv("JUDGEFAIR_RPM", "60")
    found = findings(run("--json"))
    assert "Did you mean 'JUDGEFAIR_CONCURRENCY'?" in found["environment", "JUDGEFAIR_CONCURENCY"][1]
    assert found["environment", "JUDGEFAIR_RPM"][1] == "set"
