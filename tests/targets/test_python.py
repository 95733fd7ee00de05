"""Is a Python function called as it wants to be, and is everything it can do wrong told apart from an answer?"""

import asyncio
import hashlib
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from judgefair.errors import InputError
from judgefair.records import Missing
from judgefair.targets import make_target
from tests.targets.conftest import query

TALK = (
    {"role": "user", "content": "Where is the atlas?"},
    {"role": "assistant", "content": "Row 3."},
    {"role": "user", "content": "Which shelf?"},
)


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """Modules and paths of one test are not those of the next."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    known = set(sys.modules)
    yield
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).find("desk_") >= 0:
            del sys.modules[name]


@pytest.fixture
def opened(tmp_path):
    """A target of a module that holds this source."""

    def open_source(source, function="answer", module="desk_pipeline", **settings):
        file = tmp_path / Path(*module.split(".")).with_suffix(".py")
        file.parent.mkdir(exist_ok=True)
        file.write_text(textwrap.dedent(source), "utf-8")
        return make_target("desk", "python", {"function": f"{module}:{function}", **settings}, tmp_path)

    return open_source


def refusal(opened, source, function="answer", **settings):
    with pytest.raises(InputError) as caught:
        opened(source, function, **settings)
    return str(caught.value)


# How it is called


@pytest.mark.parametrize("declared", ["def", "async def"])
@pytest.mark.parametrize(
    "parameters", ["text", "question", "text, top_k=3", "*, turns", "text, /", "*texts", "messages, style='plain'"]
)
async def test_a_function_gets_the_conversation_where_it_names_it_and_the_last_message_else(opened, asker, declared, parameters):
    source = f"{declared} answer({parameters}):\n    return repr(list(locals().values())[0])"
    reply = await opened(source).answer(query(), TALK, 0, asker)
    wants_all = "turns" in parameters or "messages" in parameters
    expected = repr(list(TALK)) if wants_all else "('Which shelf?',)" if "*texts" in parameters else "'Which shelf?'"
    assert reply.text == expected


async def test_what_a_function_does_to_the_conversation_stays_with_it(opened, asker):
    target = opened("""
        def answer(turns):
            said = turns[-1]["content"]
            turns.append("spoilt")
            turns[0]["content"] = "spoilt"
            return said
    """)
    talk = tuple(dict(turn) for turn in TALK)
    await target.answer(query(), talk, 0, asker)
    assert talk == TALK
    assert len(asker.kept) == 1
    await target.answer(query(), TALK, 0, asker)
    assert len(asker.kept) == 1


async def test_objects_that_can_be_called_answer_too(opened, asker):
    source = """
        class Desk:
            def __call__(self, text): return "sync " + text
        class Async:
            async def __call__(self, text): return "async " + text
        desk, later = Desk(), Async()
    """
    assert (await opened(source, "desk").answer(query(), TALK, 0, asker)).text == "sync Which shelf?"
    assert (await opened(source, "later").answer(query(), TALK, 0, asker)).text == "async Which shelf?"


async def test_each_conversation_and_replicate_is_asked_once(opened, asker):
    target = opened("""
        calls = []
        def answer(text):
            calls.append(text)
            return f"answer {len(calls)}"
    """)
    talks = (TALK[2:], TALK)  # they end alike
    said = [(await target.answer(query(), talk, r, asker)).text for talk in talks for r in (0, 1, 0)]
    assert said == ["answer 1", "answer 2", "answer 1", "answer 3", "answer 4", "answer 3"]


async def test_functions_wait_side_by_side(opened, asker):
    target = opened("""
        import threading
        both = threading.Barrier(2, timeout=20)
        def answer(text):
            both.wait()
            return "met"
    """)
    replies = await asyncio.gather(*(target.answer(query(), TALK, r, asker) for r in (0, 1)))
    assert [reply.text for reply in replies] == ["met", "met"]


# What it can do wrong


@pytest.mark.parametrize("declared", ["def", "async def"])
@pytest.mark.parametrize(
    ("body", "reason", "detail"),
    [
        ("raise ValueError('the index is empty')", "backend_failure", "ValueError: the index is empty"),
        ("raise KeyError", "backend_failure", "KeyError"),
        ("raise TimeoutError('upstream')", "backend_failure", "TimeoutError: upstream"),
        ("raise StopIteration", "backend_failure", "StopIteration"),
        ("raise SystemExit(3)", "backend_failure", "SystemExit: 3"),
        ("import asyncio; raise asyncio.CancelledError", "backend_failure", "CancelledError"),
        ("raise ValueError('x' * 9_000)", "backend_failure", "ValueError: " + "x" * 388),
        ("return 7", "unparsable", "returned int, expected text"),
        ("return None", "unparsable", "returned None, expected text"),
        ("return b'Row 3.'", "unparsable", "returned bytes, expected text"),
        ("return ''", "unparsable", "returned empty text"),
        ("return ' \\n'", "unparsable", "returned empty text"),
    ],
)
async def test_what_is_no_answer_is_missing_and_tried_again(opened, asker, declared, body, reason, detail):
    if declared == "async def" and "StopIteration" in body:
        detail = "RuntimeError: coroutine raised StopIteration"  # Python's own, PEP 479
    missing = await opened(f"{declared} answer(text):\n    {body}").answer(query(), TALK, 0, asker)
    assert (missing, missing.detail) == (Missing(reason), detail)
    assert not asker.kept


async def test_half_a_surrogate_pair_is_made_sendable(opened, asker):
    assert (await opened("def answer(text): return 'Row \\ud83d'").answer(query(), TALK, 0, asker)).text == "Row ?"


HANGS = """
    import threading
    go_on, threads = threading.Event(), []
    def answer(text):
        threads.append(threading.current_thread())
        go_on.wait(30)
        return "too late"
"""


async def test_a_function_that_hangs_is_left_behind_and_its_late_answer_dropped(opened, asker):
    wrong = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: wrong.append(context))
    missing = await opened(HANGS, timeout=0.1).answer(query(), TALK, 0, asker)
    assert (missing, missing.detail) == (Missing("backend_failure"), "no answer within 0.1 s")
    module = sys.modules["desk_pipeline"]
    module.go_on.set()
    await asyncio.to_thread(module.threads[0].join, 30)
    await asyncio.sleep(0)
    assert not asker.kept
    assert not wrong


def test_an_answer_after_the_run_has_ended_is_dropped_in_silence(opened, asker, monkeypatch):
    wrong = []
    monkeypatch.setattr(threading, "excepthook", wrong.append)
    asyncio.run(opened(HANGS, timeout=0.1).answer(query(), TALK, 0, asker))
    module = sys.modules["desk_pipeline"]
    module.go_on.set()
    module.threads[0].join(30)
    assert not module.threads[0].is_alive()
    assert not wrong


async def test_a_coroutine_that_hangs_is_cancelled(opened, asker):
    target = opened(
        """
        import asyncio
        ended = []
        async def answer(text):
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("cancelled")
        """,
        timeout=0.1,
    )
    missing = await target.answer(query(), TALK, 0, asker)
    assert (missing, missing.detail) == (Missing("backend_failure"), "no answer within 0.1 s")
    assert sys.modules["desk_pipeline"].ended == ["cancelled"]


@pytest.mark.parametrize("declared", ["def", "async def"])
async def test_cancelling_the_run_is_no_failure_of_the_function(opened, asker, declared):
    target = opened(f"""
        import asyncio, threading
        started, go_on = threading.Event(), threading.Event()
        {declared} answer(text):
            started.set()
            {"await asyncio.Event().wait()" if declared == "async def" else "go_on.wait(30)"}
    """)
    work = asyncio.create_task(target.answer(query(), TALK, 0, asker))
    module = sys.modules["desk_pipeline"]
    assert await asyncio.to_thread(module.started.wait, 30)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    module.go_on.set()


@pytest.mark.parametrize("declared", ["def", "async def"])
def test_an_interrupt_is_not_swallowed(opened, asker, declared):
    target = opened(f"{declared} answer(text): raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(target.answer(query(), TALK, 0, asker))


def test_a_thread_that_hangs_keeps_no_process_from_ending(tmp_path):
    (tmp_path / "desk_hang.py").write_text("import threading\ndef answer(text): threading.Event().wait()\n")
    script = """
import asyncio, sys
from pathlib import Path
from judgefair.targets import make_target

class Asker:
    async def once(self, identity, make): return await make()

target = make_target("desk", "python", {"function": "desk_hang:answer", "timeout": 0.1}, Path(sys.argv[1]))
print(asyncio.run(target.answer(None, ({"role": "user", "content": "?"},), 0, Asker())).detail)
"""
    done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "no answer within 0.1 s", "")


# What is refused before anything is asked


@pytest.mark.parametrize(
    ("source", "function", "told"),
    [
        ("def anwser(text): ...", "answer", "module 'desk_pipeline' has no 'answer'. Did you mean 'anwser'? Found: anwser"),
        ("LIMIT = 3", "answer", "Found: no function"),
        ("answer = 3", "answer", "desk_pipeline:answer is a int. Expected a function that returns text"),
        ("def answer(): ...", "answer", "desk_pipeline:answer takes () (too many positional arguments). Expected one parameter"),
        ("def answer(text, shelf): ...", "answer", "takes (text, shelf) (missing a required argument: 'shelf')"),
        ("def answer(turns, shelf): ...", "answer", "takes (turns, shelf) (missing a required argument: 'shelf')"),
        (
            "import desk_that_is_not_there",
            "answer",
            "cannot be imported (ModuleNotFoundError: No module named 'desk_that_is_not_there')",
        ),
        ("1 / 0", "answer", "module 'desk_pipeline' cannot be imported (ZeroDivisionError: division by zero)"),
        ("def answer(text) return", "answer", "cannot be imported (SyntaxError: "),
        ("raise SystemExit('run me otherwise')", "answer", "cannot be imported (SystemExit: run me otherwise)"),
    ],
)
def test_a_function_that_cannot_be_had_is_refused_in_words(opened, source, function, told):
    words = refusal(opened, source, function)
    assert words.startswith("target 'desk': ")
    assert told in words


@pytest.mark.parametrize(
    "function", ["desk_pipeline", "desk_pipeline.answer", "desk_pipeline:", ":answer", "a/b.py:answer", "m:f()"]
)
def test_a_function_is_named_as_module_and_function(tmp_path, function):
    with pytest.raises(InputError, match="Expected module:function, such as tutor_pipeline:answer"):
        make_target("desk", "python", {"function": function}, tmp_path)


def test_a_module_that_is_not_there_is_told_with_those_that_are(opened, tmp_path):
    opened("def answer(text): ...")
    with pytest.raises(InputError) as caught:
        make_target("desk", "python", {"function": "desk_pipelin:answer"}, tmp_path)
    assert str(caught.value) == (
        "target 'desk': no module 'desk_pipelin'. Did you mean 'desk_pipeline'? "
        f"Looked in {tmp_path} first, which has: desk_pipeline"
    )


def test_a_module_of_a_package_is_found(opened, tmp_path):
    assert opened("def answer(text): ...", module="desk_parts.index").settings["function"] == "desk_parts.index:answer"
    with pytest.raises(InputError, match=r"no module 'desk_parts\.indx'"):
        make_target("desk", "python", {"function": "desk_parts.indx:answer"}, tmp_path)


@pytest.mark.parametrize("name", ["json", "desk_elsewhere"])
def test_a_module_hidden_by_another_of_its_name_is_refused(opened, tmp_path, monkeypatch, name):
    other = tmp_path / "other"
    other.mkdir()
    (other / "desk_elsewhere.py").write_text("def answer(text): ...")
    make_target("other", "python", {"function": "desk_elsewhere:answer"}, other)
    told = refusal(lambda source, function: opened(source, function, module=name), "def answer(text): ...")
    assert f"{tmp_path / name}.py cannot be imported, since another module named '{name}' is in use (" in told
    assert told.endswith("Rename the file")


# What it is


def test_the_folder_comes_first_for_the_module_and_last_afterwards(opened, tmp_path):
    opened("""
        import sys
        first = sys.path[0]
        def answer(text): ...
    """)
    assert sys.modules["desk_pipeline"].first == str(tmp_path) == sys.path[-1]
    assert sys.path.count(str(tmp_path)) == 1
    opened("def answer(text): ...", module="desk_second")
    assert sys.path.count(str(tmp_path)) == 1


def test_function_version_and_source_decide_the_fingerprint(opened, tmp_path):
    source = "def answer(text): return text\ndef other(text): return text\n"
    first = opened(source)
    assert first.settings == {
        "kind": "python",
        "function": "desk_pipeline:answer",
        "version": None,
        "source": hashlib.sha256(source.encode()).hexdigest(),
    }
    assert opened(source, timeout=5).fingerprint == first.fingerprint
    others = [opened(source, "other"), opened(source, version="abc1234"), opened(source + "# index of May\n")]
    assert len({first.fingerprint, *(target.fingerprint for target in others)}) == 4


async def test_an_edited_module_is_imported_anew_and_an_unchanged_one_is_not(opened, asker):
    first = opened("made = object()\ndef answer(text): return 'first'")
    made = sys.modules["desk_pipeline"].made
    opened("made = object()\ndef answer(text): return 'first'")
    assert sys.modules["desk_pipeline"].made is made
    second = opened("made = object()\ndef answer(text): return 'the second'")
    assert (await second.answer(query(), TALK, 0, asker)).text == "the second"
    assert first.fingerprint != second.fingerprint


def test_a_function_of_a_module_built_into_python_has_no_source(tmp_path):
    target = make_target("desk", "python", {"function": "builtins:repr"}, tmp_path)
    assert target.settings["source"] is None
