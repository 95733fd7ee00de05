"""Does a Ray cluster give the same ratings as one process, whoever dies on the way, and keep one budget for all?"""

import hashlib
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from judgefair.errors import ModelError
from judgefair.models import choose_model
from judgefair.models.budget import Budget
from judgefair.models.gate import Limits
from judgefair.models.openai_server import OpenAIServer
from judgefair.models.policy import RetryPolicy
from judgefair.records import Item
from judgefair.runs import judge
from judgefair.runs.engines.ray import ray_cluster
from tests import loopback as lb
from tests.builders import landed, tiny_program

# Nodes speak over the machine's own address, and ray's warnings are not ours to mend.
pytestmark = [pytest.mark.slow, pytest.mark.enable_socket, pytest.mark.filterwarnings("ignore")]
TOKENS_A_CALL = 100


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a real cluster of two nodes in this machine, with a CPU each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80_000_000}
    running = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    running.add_node(**node)
    ray.init(address=running.address, log_to_driver=False, logging_level="ERROR")
    yield running.address
    ray.shutdown()
    running.shutdown()


def items(n: int) -> list[Item]:
    return [Item(f"i{k:05}", f"Where is book {k}?", f"On shelf {k}.", {"age": "child"}) for k in range(n)]


def by_text(body: dict[str, Any]) -> lb.Behaviour:
    """A level that the text alone decides."""
    return lb.ok(hashlib.sha256(body["messages"][-1]["content"].encode()).digest()[0] % 2)


def workers() -> list[int]:
    """Process ids of the cluster's workers."""
    titles = ((path, (path / "cmdline").read_bytes()) for path in Path("/proc").glob("[0-9]*") if (path / "cmdline").is_file())
    return [int(path.name) for path, title in titles if title.startswith(b"ray::Worker")]


def killing(after: int) -> Callable[[int, dict[str, Any]], lb.Behaviour]:
    """Answers by the text; once so many calls came in, a worker is killed."""

    def script(number: int, body: dict[str, Any]) -> lb.Behaviour:
        if number == after:
            os.kill(workers()[0], signal.SIGKILL)
        return by_text(body)

    return script


def judged(server: lb.Loopback, run: Path, n: int, **options: Any) -> Any:
    model = choose_model(f"tiny@{server.address}")
    options = {"concurrency": 16, "use_cache": False, "policy": RetryPolicy(2)} | options
    return judge(tiny_program(), items(n), model, run, **options)


def test_ray_and_this_process_give_identical_ratings_though_a_worker_is_killed(cluster: str, tmp_path: Path) -> None:
    n = 20_000
    with lb.loopback(killing(after=9_000)) as server:
        there = judged(server, tmp_path / "ray", n, engine=ray_cluster(cluster, 2))
        asked = Counter(call.raw for call in server.calls)
    assert any("a worker died" in note for note in there.progress.notes)
    with lb.loopback(lambda _, body: by_text(body)) as server:
        here = judged(server, tmp_path / "local", n)
    assert (tmp_path / "ray" / "ratings.parquet").read_bytes() == (tmp_path / "local" / "ratings.parquet").read_bytes()
    assert there.n_ratings == here.n_ratings == 2 * n
    assert len(asked) == 2 * n
    assert sum(count - 1 for count in asked.values()) <= 16  # what was in flight when the worker died
    assert len(landed(tmp_path / "ray")) == 2 * n
    assert not (tmp_path / "ray" / ".shard-journals").exists()


def test_a_run_goes_on_in_one_process_where_a_cluster_left_it(cluster: str, tmp_path: Path) -> None:
    with lb.loopback(lambda _, body: by_text(body)) as server:
        first = judged(server, tmp_path, 1_500, engine=ray_cluster(cluster, 2), budget=Budget(max_calls=1_000))
        assert len(server.calls) == first.progress.budget.calls == 1_000
        assert first.progress.missing == Counter(over_budget=2_000)
        second = judged(server, tmp_path, 1_500)
    assert len(server.calls) == len({call.raw for call in server.calls}) == 3_000
    assert second.progress.reused == 1_000


def test_tokens_of_all_workers_count_together(cluster: str, tmp_path: Path) -> None:
    with lb.loopback(lambda _, body: by_text(body)) as server:
        result = judged(server, tmp_path, 2_000, engine=ray_cluster(cluster, 2), concurrency=8, budget=Budget(max_tokens=50_000))
    assert 500 <= len(server.calls) <= 500 + 7
    assert result.progress.budget.tokens == len(server.calls) * TOKENS_A_CALL


def test_a_pace_holds_for_the_whole_cluster(cluster: str, tmp_path: Path) -> None:
    with lb.loopback(lambda _, body: by_text(body)) as server:
        judged(
            server, tmp_path, 1_100, engine=ray_cluster(cluster, 2), concurrency=8,
            limits=Limits(requests_per_minute=6_000), budget=Budget(max_seconds=3),
        )  # fmt: skip
    assert 100 <= len(server.calls) <= 100 * 3 + 100 + 8


def test_what_a_worker_finds_wrong_is_said_as_it_is_said_here(cluster: str, tmp_path: Path) -> None:
    with lb.loopback(lb.status(401)) as server, pytest.raises(ModelError, match="the key was refused"):
        judged(server, tmp_path, 5, engine=ray_cluster(cluster, 1))


def test_a_model_that_no_other_process_can_choose_is_refused(cluster: str, tmp_path: Path) -> None:
    model = OpenAIServer("tiny", "http://127.0.0.1:9/v1", key="sk-canary")
    with pytest.raises(ModelError, match="was not chosen by name"):
        judge(tiny_program(), items(1), model, tmp_path, engine=ray_cluster(cluster))
