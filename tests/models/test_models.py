"""Which model does a name stand for, and what is it sent?"""

import json

import pytest

from judgefair.errors import ModelError
from judgefair.models import Scripted, choose_model, local
from judgefair.models.model import TOKENS_FOR_REASONING
from judgefair.models.openai_server import DEFAULT_SERVER, OpenAIServer, server_address
from judgefair.models.policy import RetryPolicy
from judgefair.models.reply import Reply
from judgefair.models.stand_ins import SCRIPTS, scripted
from judgefair.records import Missing
from judgefair.runs import judge
from tests import loopback as lb
from tests.builders import tiny_items, tiny_program

SAMPLING = {"max_tokens": 48, "seed": 10, "replicate_temperature": 0.7, "top_logprobs": None}
MESSAGES = [{"role": "user", "content": "Rate."}]


def body_of(name, sample=0, replicates=1, **sampling):
    return OpenAIServer(name).body(MESSAGES, {"type": "object"}, SAMPLING | sampling, sample, replicates)


@pytest.fixture
def no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def test_local_is_the_embedded_model_known_by_the_hash_of_its_weights():
    model = choose_model("local")
    assert isinstance(model, local)
    assert model.server.startswith("local:sha256:")


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripted_models_are_found_by_name(name):
    model = choose_model(f"scripted:{name}")
    assert isinstance(model, Scripted)
    assert model.name == model.server == f"scripted:{name}"


def test_a_misspelt_script_gets_a_suggestion():
    with pytest.raises(ModelError, match=r"'scripted:midle' is not known. Did you mean 'middle'\? Known: first, middle"):
        choose_model("scripted:midle")


def test_a_name_alone_is_asked_at_openai_with_the_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    model = choose_model("gpt-4o-mini")
    assert (model.name, model.server) == ("gpt-4o-mini", DEFAULT_SERVER)


@pytest.mark.parametrize("key_env", ["OPENAI_API_KEY", "MY_KEY"])
def test_a_name_alone_without_a_key_names_the_variable(no_key, key_env):
    with pytest.raises(ModelError, match=rf"{key_env} is not set, and 'gpt-4o-mini' .* gpt-4o-mini@BASE_URL"):
        choose_model("gpt-4o-mini", key_env=key_env)


def test_an_empty_key_is_no_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "")
    with pytest.raises(ModelError, match="OPENAI_API_KEY is not set"):
        choose_model("gpt-4o-mini")


@pytest.mark.parametrize("name", ["llama", "org/model-7b", "team@model"])
def test_a_name_at_an_address_needs_no_key_and_asks_nothing(no_key, name):
    model = choose_model(f"{name}@http://127.0.0.1:9")
    assert (model.name, model.server) == (name, "http://127.0.0.1:9/v1")


def test_a_bare_address_is_the_first_model_that_its_server_lists(no_key):
    with lb.loopback(models=("first-listed", "second")) as server:
        model = choose_model(server.address)
        again = choose_model(server.address.removesuffix("/v1"))
    assert (model.name, model.server) == (again.name, again.server) == ("first-listed", server.address)
    assert all("authorization" not in headers for headers in server.asked_for_models)


def test_the_models_of_a_bare_address_are_asked_for_with_the_key_of_the_named_variable(monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-mine")
    with lb.loopback() as server:
        choose_model(server.address, key_env="MY_KEY")
    [headers] = server.asked_for_models
    assert headers["authorization"] == "Bearer sk-mine"


def test_a_bare_address_that_lists_no_model_is_refused_with_the_form_that_names_one(no_key):
    with lb.loopback(models=()) as server, pytest.raises(ModelError, match="name the model: NAME@http"):
        choose_model(server.address)
    with pytest.raises(ModelError, match=r"no model could be listed \(ConnectError\)"):
        choose_model(server.address)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("https://host/api/v3/", "https://host/api/v3"),
    ],
)
def test_v1_is_added_to_an_address_without_a_path(text, address):
    assert server_address(text) == address


@pytest.mark.parametrize("text", ["127.0.0.1:8000", "ftp://host/v1", "http://", "localhost", ""])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ModelError, match="Expected a URL such as"):
        server_address(text)


@pytest.mark.parametrize("text", ["", "@http://127.0.0.1:9/v1"])
def test_a_model_without_a_name_is_refused(monkeypatch, text):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    with pytest.raises(ModelError, match="Expected local, scripted:NAME, NAME, NAME@BASE_URL or BASE_URL"):
        choose_model(text)


def test_one_judgment_is_asked_at_temperature_0_with_a_seed():
    body = body_of("gpt-4o-mini")
    assert (body["temperature"], body["seed"], body["max_tokens"]) == (0, 10, 48)
    assert body["response_format"]["json_schema"] == {"name": "judgment", "strict": True, "schema": {"type": "object"}}
    assert "logprobs" not in body
    assert body == body_of("gpt-4o-mini")


def test_replicates_are_asked_at_their_temperature_with_seeds_that_differ():
    bodies = [body_of("gpt-4o-mini", sample, 3) for sample in range(3)]
    assert [body["seed"] for body in bodies] == [10, 11, 12]
    assert {body["temperature"] for body in bodies} == {0.7}


def test_log_probabilities_are_asked_for_where_the_program_reads_them():
    body = body_of("gpt-4o-mini", top_logprobs=20)
    assert (body["logprobs"], body["top_logprobs"]) == (True, 20)


@pytest.mark.parametrize("name", ["o1", "o3-mini", "o4-mini-2025-04-16", "gpt-5", "gpt-5-nano", "openai/o3", "openai/gpt-5.1"])
def test_reasoning_models_are_sent_neither_temperature_nor_seed_and_get_room_to_reason(name):
    for replicates in (1, 3):
        body = body_of(name, replicates - 1, replicates)
        assert not {"temperature", "seed", "max_tokens"} & set(body)
        assert body["max_completion_tokens"] == 48 + TOKENS_FOR_REASONING


@pytest.mark.parametrize("name", ["gpt-4o", "olmo-7b", "openchat", "phi-o1", "qwen3", "gpt-oss-20b"])
def test_other_models_are_sent_temperature_and_seed(name):
    assert {"temperature", "seed", "max_tokens"} <= set(body_of(name))


@pytest.mark.parametrize("per_call", ["one", "all"])
@pytest.mark.parametrize("mode", ["score", "reason_then_score", "distribution"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_scripted_reply_is_one_that_every_mode_can_read(tmp_path, name, mode, per_call):
    if (mode, per_call) == ("distribution", "all"):
        return  # no such program
    program = tiny_program(mode, per_call)
    result = judge(program, tiny_items(3), scripted(name), tmp_path / "run")
    assert len(result.ratings) == 6
    for rating in result.ratings:
        levels = list(program.rubric.criterion(rating.criterion).scale.levels)
        assert rating.value in levels or rating.value == Missing("not_applicable")
        assert bool(rating.rationale) == (mode == "reason_then_score") or isinstance(rating.value, Missing)
        if mode == "distribution" and not isinstance(rating.value, Missing):
            assert sum(rating.distribution.values()) == pytest.approx(1)
            assert max(rating.distribution, key=rating.distribution.get) == str(rating.value)


async def test_a_scripted_model_answers_in_the_format_of_the_real_thing():
    program = tiny_program("distribution")
    model, prompt = scripted("hash"), program.prompts["helpfulness"]
    body = model.body(prompt.render(tiny_items(1)[0]), prompt.schema, dict(program.sampling), 0, 1)
    async with model.open() as post:
        first, second = await post(body), await post(body)
    assert first == second == json.loads(json.dumps(first))
    reply = Reply.from_chat(first)
    assert "".join(token.text for token in reply.tokens) == reply.text
    assert reply.prompt_tokens > 0 < reply.completion_tokens


def test_the_embedded_model_is_refused_with_the_command_that_fetches_it(tmp_path, monkeypatch):
    monkeypatch.setenv("JUDGEFAIR_HOME", str(tmp_path / "empty"))
    with pytest.raises(ModelError, match=r"not on this machine \(.*\)\. Run: judgefair models pull local"):
        judge(tiny_program(), tiny_items(1), choose_model("local"), tmp_path / "run")


def test_a_timeout_reaches_the_requests(no_key, tmp_path):
    with lb.loopback(lb.ok(held=True)) as server:
        model = choose_model(f"tiny@{server.address}", timeout=0.2)
        result = judge(tiny_program(), tiny_items(1), model, tmp_path / "run", policy=RetryPolicy(attempts=1))
    assert {rating.value for rating in result.ratings} == {Missing("backend_failure")}


async def test_a_key_that_would_go_unencrypted_to_another_machine_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    async with OpenAIServer("tiny", "http://192.0.2.7:8000/v1", key="sk-canary").open():
        pass
    assert [record.message for record in caplog.records] == [
        "judgefair: the key goes to 192.0.2.7 unencrypted, and so does every text. Use https, or a tunnel to a port of 127.0.0.1"
    ]


async def test_a_key_that_stays_in_this_machine_is_not(caplog: pytest.LogCaptureFixture) -> None:
    async with OpenAIServer("tiny", "http://127.0.0.1:8000/v1", key="sk-canary").open():
        pass
    assert not caplog.records
