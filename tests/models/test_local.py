"""Does the embedded model answer, on loopback only and behind its key?"""

import re
from pathlib import Path

import httpx
import pytest

from judgefair.models import openai_server
from judgefair.models.embedded import WEIGHTS, Local
from judgefair.records import Missing
from judgefair.runs import judge
from tests.builders import tiny_items, tiny_program


@pytest.fixture(autouse=True)
def _weights(home):
    pytest.importorskip("xllamacpp", reason="xllamacpp is not installed: pip install 'judgefair[local]'")
    if not WEIGHTS.is_here:
        pytest.skip(f"the weights are not at {WEIGHTS.path}: judgefair models pull local")


@pytest.fixture
def address(monkeypatch):
    """Where the embedded server listens, once it is open."""
    seen = []
    start = openai_server.OpenAIServer.__init__

    def note(self, name, server, **more):
        seen.append(server)
        start(self, name, server, **more)

    monkeypatch.setattr(openai_server.OpenAIServer, "__init__", note)
    return seen


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_embedded_model_gives_levels_of_the_scale(tmp_path):
    program = tiny_program()
    result = judge(program, tiny_items(3), Local(), tmp_path / "run")
    assert len(result.ratings) == 6
    for rating in result.ratings:
        assert rating.rater_id == WEIGHTS.name
        assert (
            rating.value == Missing("not_applicable") or rating.value in program.rubric.criterion(rating.criterion).scale.levels
        )
    assert result.progress.budget.tokens > 0


async def test_the_embedded_server_listens_on_loopback_only_and_refuses_who_has_no_key(address):
    question = {"model": WEIGHTS.name, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    async with Local().open() as post:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", address[-1])
        async with httpx.AsyncClient() as stranger:
            for headers in ({}, {"Authorization": "Bearer none"}):
                answer = await stranger.post(f"{address[-1]}/chat/completions", json=question, headers=headers)
                assert answer.status_code == 401
        assert (await post(question))["choices"]
        port = int(address[-1].rsplit(":", 1)[1].removesuffix("/v1"))
        assert listening(port) == {"0100007F"}


def listening(port):
    """Addresses, in hex, on which some socket of this machine listens at the port (Linux)."""
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {fields[1].split(":")[0] for fields in lines if fields[3] == "0A" and int(fields[1].split(":")[1], 16) == port}
