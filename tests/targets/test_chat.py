"""What is a model behind a prompt sent, and what becomes of each thing it can send back?"""

from pathlib import Path

import pytest

from judgefair.errors import InputError, ModelError
from judgefair.models.model import TOKENS_FOR_REASONING
from judgefair.models.reply import Reply
from judgefair.models.stand_ins import PLAIN, SCRIPTS, scripted
from judgefair.records import Missing
from judgefair.targets import make_target
from tests import loopback as lb
from tests.targets.conftest import query

USER = {"role": "user", "content": "Where is the atlas?"}
TALK = (USER, {"role": "assistant", "content": "Row 3."}, {"role": "user", "content": "Which shelf?"})
KEY = "sk-canary-77aa"


def chat(model="tiny@http://127.0.0.1:9", **settings):
    return make_target("desk", "chat", {"model": model, **settings}, Path())


def says(text, finish_reason="stop", **message):
    """A completion for a request that asks for no format."""
    return lb.Behaviour(message={"content": text, **message}, finish_reason=finish_reason)


async def answered(asker, behaviour, **settings):
    with lb.loopback(behaviour) as server:
        return await chat(f"tiny@{server.address}", **settings).answer(query(), (USER,), 0, asker)


async def test_the_server_is_sent_the_conversation_and_the_sampling_and_nothing_else(asker):
    with lb.loopback(says("On row 3.")) as server:
        reply = await chat(f"tiny@{server.address}").answer(query(), TALK, 0, asker)
    [call] = server.calls
    assert call.body == {"model": "tiny", "messages": list(TALK), "temperature": 0, "max_tokens": 512, "seed": 0}
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens) == ("On row 3.", 90, 10)
    assert reply.seconds > 0


async def test_a_system_prompt_stands_before_the_conversation(asker):
    await chat("scripted:first", system_prompt="You staff a library desk.").answer(query(), TALK, 0, asker)
    [(body, _)] = asker.bodies
    assert body["messages"] == [{"role": "system", "content": "You staff a library desk."}, *TALK]


async def test_replicates_are_asked_with_seeds_and_samples_of_their_own(asker):
    target = chat("scripted:first", sampling={"temperature": 0.8, "top_p": 0.9, "seed": 40})
    for replicate in range(3):
        await target.answer(query(), (USER,), replicate, asker)
    assert [(body["seed"], sample) for body, sample in asker.bodies] == [(40, 0), (41, 1), (42, 2)]
    assert {(body["temperature"], body["top_p"]) for body, _ in asker.bodies} == {(0.8, 0.9)}
    assert "max_tokens" not in asker.bodies[0][0]


async def test_without_a_seed_none_is_sent(asker):
    for sampling in ({"temperature": 0.8}, {"temperature": 0.8, "seed": None}):
        await chat("scripted:first", sampling=sampling).answer(query(), (USER,), 2, asker)
    assert [set(body) for body, _ in asker.bodies] == [{"model", "messages", "temperature"}] * 2


@pytest.mark.parametrize("name", ["o4-mini", "openai/gpt-5-nano"])
def test_a_reasoning_model_is_sent_neither_temperature_nor_seed(name):
    target = chat(
        f"{name}@http://127.0.0.1:9", sampling={"temperature": 0, "seed": 3, "top_p": 0.9, "max_tokens": 200, "stop": "."}
    )
    body = target.body((USER,), 1)
    assert body == {"model": name, "messages": [USER], "max_completion_tokens": 200 + TOKENS_FOR_REASONING, "stop": "."}


@pytest.mark.parametrize(
    ("behaviour", "outcome", "detail"),
    [
        (says(None, refusal="I will not say."), "refused", "I will not say."),
        (says("Half an ans", "content_filter"), "refused", "Half an ans"),
        (says("", "content_filter"), "refused", ""),
        (says("", "length"), "unparsable", "an empty answer, ended at its token limit"),
        (says(" \n"), "unparsable", "an empty reply, 1 times"),
        (lb.status(500, "broken"), "backend_failure", "HTTP 500: broken"),
    ],
)
async def test_what_is_no_answer_is_missing_with_its_reason(asker, behaviour, outcome, detail):
    missing = await answered(asker, behaviour)
    assert (missing, missing.detail) == (Missing(outcome), detail)


async def test_an_answer_that_was_cut_off_stands(asker):
    reply = await answered(asker, says("On row 3, and", "length"))
    assert (reply.text, reply.finish_reason) == ("On row 3, and", "length")


async def test_the_timeout_reaches_the_request(asker):
    missing = await answered(asker, lb.Behaviour(held=True), timeout=0.2)
    assert missing == Missing("backend_failure")
    assert "Timeout" in missing.detail


async def test_the_key_is_sent_and_decides_nothing(asker, monkeypatch):
    monkeypatch.setenv("DESK_KEY", KEY)
    with lb.loopback(says("On row 3.")) as server:
        with_key = chat(f"tiny@{server.address}", key_env="DESK_KEY")
        await with_key.answer(query(), (USER,), 0, asker)
        assert server.calls[0].headers["authorization"] == f"Bearer {KEY}"
        assert KEY not in str(with_key.settings)
        assert with_key.fingerprint == chat(f"tiny@{server.address}", timeout=3).fingerprint


def test_whatever_decides_the_answers_changes_the_fingerprint():
    targets = [
        chat(),
        chat("small@http://127.0.0.1:9"),
        chat("tiny@http://127.0.0.1:10"),
        chat(system_prompt="Be brief."),
        chat(system_prompt=""),
        chat(sampling={"temperature": 0, "max_tokens": 512, "seed": 1}),
    ]
    assert len({target.fingerprint for target in targets}) == len(targets)
    assert chat().fingerprint == chat(sampling={"seed": 0, "max_tokens": 512, "temperature": 0}).fingerprint
    assert chat().settings == {
        "kind": "chat", "model": "tiny", "server": "http://127.0.0.1:9/v1", "system_prompt": None,
        "sampling": {"temperature": 0, "max_tokens": 512, "seed": 0},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"sampling": {"stream": True}}, "target 'desk': sampling: stream is set by judgefair for each request. Leave it out"),
        ({"sampling": {"n": 2}}, "n is set by judgefair"),
        ({"sampling": {"seed": 0.5}}, "sampling: seed is 0.5. Expected a whole number, or null to send none"),
        ({"sampling": {"max_tokens": "512"}}, "sampling: max_tokens is '512'. Expected a whole number"),
        (
            {"timeout": 0},
            "target 'desk': timeout is 0: Input should be greater than 0. Expected seconds that one request may take",
        ),
        (
            {"temperature": 0},
            "target 'desk': temperature is not a key here. Keys: model, key_env, key_file, timeout, system_prompt, sampling",
        ),
        ({"sistem_prompt": "x"}, "Did you mean 'system_prompt'?"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_words(settings, told):
    with pytest.raises(InputError) as caught:
        chat(**settings)
    assert told in str(caught.value)


def test_an_address_with_a_password_is_refused_without_repeating_it():
    with pytest.raises(InputError, match="carries a password") as caught:
        chat(f"http://desk:{KEY}@127.0.0.1:9/v1")
    assert KEY not in str(caught.value)


def test_a_model_that_is_not_known_is_refused_before_anything_is_asked():
    with pytest.raises(ModelError, match="Did you mean 'middle'"):
        chat("scripted:midle")


@pytest.mark.parametrize("name", SCRIPTS)
async def test_a_scripted_model_says_a_sentence_where_no_format_is_asked_for(asker, name):
    target = chat(f"scripted:{name}", sampling={"logprobs": True})
    texts = ["?", "Where is the atlas? " * 400, *(f"Where is book {k}?" for k in range(30))]
    said = [(await target.answer(query(), ({"role": "user", "content": text},), 0, asker)).text for text in texts]
    again = [(await target.answer(query(), ({"role": "user", "content": text},), 0, asker)).text for text in texts]
    assert said == again
    assert set(said) <= set(PLAIN)
    assert len(set(said)) == {"first": 1, "middle": 1, "hash": len(PLAIN)}.get(name, len(set(said)))
    if name == "length":
        assert PLAIN.index(said[0]) < PLAIN.index(said[1])


async def test_a_scripted_sentence_has_the_reply_format_of_the_real_thing():
    async with scripted("middle").open() as post:
        reply = Reply.from_chat(await post({"model": "scripted:middle", "messages": [USER]}))
    assert (reply.text, reply.finish_reason, reply.tokens) == (PLAIN[2], "stop", None)
    assert reply.prompt_tokens > 0 < reply.completion_tokens
