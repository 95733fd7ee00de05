"""What does one run of one harness take? A fresh process, timed by the server, its processor time and memory by the kernel.

Only the standard library is imported: a child's peak memory is at least that of the process that started it.
"""

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from threading import Timer
from typing import IO, Any

HERE = Path(__file__).parent
MODEL, RUBRIC, TABLE = "gpt-4.1-mini", "hateful_content", "ratings.parquet"
BARE, OURS = "aiohttp", "judgefair"
TINY, LONGEST = 16, 900
WORDS = (
    "the a people post about my street who said again never think that they should leave good music night work home family "
    "friends news city because here every day we with our own for them to talk and then after all this time nobody listens"
)
GROUPS = ("Muslims", "black people", "disabled people", "gay people", "immigrants", "trans people", "women")


@dataclass(frozen=True, slots=True)
class Harness:
    """How to start one: its script, the address it asks, and what its own environment needs; none: judgefair's."""

    script: str
    prefix: str = ""
    needs: tuple[str, ...] = ()


HARNESSES = {
    BARE: Harness("with_aiohttp.py"),
    OURS: Harness(""),
    "openai": Harness("with_openai.py"),
    "dspy": Harness("with_dspy.py"),
    "autorubric": Harness("with_autorubric.py", "/autorubric", ("autorubric==1.6.1", "litellm==1.110.2", "openai==3.57.0")),
    "inspect_ai": Harness("with_inspect.py", needs=("inspect-ai==0.3.285", "openai==3.57.0")),
}
"""In the order of the table."""
OWN_PACKAGES = (OURS, "openai", "aiohttp", "orjson", "pydantic")


@dataclass(frozen=True, slots=True)
class Run:
    """One process, start to end; times in seconds.

    Attributes
    ----------
    seconds : from the first request received to the last reply sent.
    stage_seconds : judgefair's stage; None of others.
    most_in_flight : requests at once; at no delay, connections, since no request waits.
    server_busy : share of `seconds` in which the server's process worked.
    """

    harness: str
    in_flight: int
    delay: float
    n_items: int
    calls: int
    seconds: float
    wall: float
    cpu: float
    peak_mb: float
    stage_seconds: float | None
    most_in_flight: int
    server_busy: float
    body_bytes: float

    @property
    def rate(self) -> float:
        """Levels per second; a call made again counts for nothing."""
        return self.n_items / self.seconds

    def net_cpu(self, start_up: float) -> float:
        """Seconds per call, net of a run of `TINY` calls that took `start_up`."""
        return (self.cpu - start_up) / (self.n_items - TINY)


class HarnessError(Exception):
    """A harness could not be installed, did not end well, or did not read every level."""


class Bench:
    """Runs harnesses one at a time, in one folder, against one server."""

    def __init__(self, work: Path, port: int, peers: Path, seed: int) -> None:
        self.work, self.port, self.peers, self.seed = work, port, peers, seed
        self.program = work / "program.json"
        self.versions = {OURS: {name: version(name) for name in OWN_PACKAGES}}
        self._count = 0
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        self.environment = kept | {
            "JUDGEFAIR_HOME": str(work / "home"),
            "XDG_CACHE_HOME": str(work / "cache"),
            "XDG_DATA_HOME": str(work / "data"),
            "OPENAI_API_KEY": "none",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # or dspy and litellm fetch a price list
            "HF_HUB_OFFLINE": "1",
        }
        compiled = subprocess.run(
            [_command(OURS), "compile", RUBRIC, "--out", self.program], env=self.environment, capture_output=True, text=True
        )
        if compiled.returncode:
            raise HarnessError(f"{OURS} compile: {compiled.stderr}")

    def items(self, n: int) -> Path:
        """A file of n posts of some 400 characters, all different."""
        path = self.work / f"items_{n}.jsonl"
        if not path.exists():
            rng, words = random.Random(self.seed), WORDS.split()
            with path.open("w", encoding="utf-8") as file:
                for i in range(n):
                    text = f"Post {i}: {' '.join(rng.choices(words, k=80))}"[:400]
                    item = {
                        "item_id": f"post-{i}",
                        "query": "",
                        "response": text,
                        "populations": {"target": GROUPS[i % len(GROUPS)]},
                    }
                    file.write(json.dumps(item) + "\n")
        return path

    def run(self, name: str, in_flight: int, delay: float, n: int) -> Run:
        """One harness, once, in a process and folder of its own."""
        self._count += 1
        out = self.work / f"run_{self._count}"
        server = f"http://127.0.0.1:{self.port}{HARNESSES[name].prefix}/v1"
        if name == OURS:
            command = [
                _command(OURS), "judge", "--program", self.program, "--items", self.items(n), "--model", f"{MODEL}@{server}",
                "--out", out, "--concurrency", in_flight, "--no-cache", "--json",
            ]  # fmt: skip
        else:
            out.mkdir()
            script = HERE / "peers" / HARNESSES[name].script
            command = [self.python(name), script, self.program, self.items(n), MODEL, server, in_flight, out]
        self._ask("POST", "/reset", str(delay))
        wall, cpu, peak, said = self._process(name, list(map(str, command)))
        counted = json.loads(self._ask("GET", "/stats"))
        read = said["judgments"] - sum(said["missing"].values()) if name == OURS else said["levels"]
        if read != n or counted["calls"] < n:
            raise HarnessError(f"{name}: read {read:,} levels of {n:,} items in {counted['calls']:,} calls")
        self.versions.setdefault(name, said.get("versions", {}))
        seconds = counted["last"] - counted["first"]
        return Run(
            name, in_flight, delay, n, counted["calls"], seconds, wall, cpu, peak,
            stage_seconds=_stage_seconds(out) if name == OURS else None,
            most_in_flight=counted["most_in_flight" if delay else "most_connections"],
            server_busy=counted["cpu"] / seconds, body_bytes=counted["received"] / counted["calls"],
        )  # fmt: skip

    def python(self, name: str) -> Path:
        """The interpreter that has the harness; its environment is made where it is not there, or has other versions."""
        needs = HARNESSES[name].needs
        if not needs:
            return Path(sys.executable)
        folder = self.peers / name
        python, installed = folder / "bin" / "python", folder / "installed.txt"
        if not installed.exists() or installed.read_text("utf-8") != "\n".join(needs):
            note(f"installing {', '.join(needs)}")
            install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *needs]
            for command in ([sys.executable, "-m", "venv", "--clear", folder], install):
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
                    raise HarnessError(f"{name}: could not be installed ({said[-1] if said else done.returncode})")
            installed.write_text("\n".join(needs), "utf-8")
        return python

    def _process(self, name: str, command: list[str]) -> tuple[float, float, float, dict[str, Any]]:
        """Wall time, processor time, peak MB, and the JSON it printed last."""
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            started = time.perf_counter()
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=self.environment, cwd=self.work,
                start_new_session=True,
            )  # fmt: skip
            limit = Timer(LONGEST, _stop, [process])
            limit.start()
            try:
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            finally:
                limit.cancel()
                if process.returncode is None:
                    _stop(process)
            wall = time.perf_counter() - started
            printed, complained = (_text(file) for file in (output, errors))
        if process.returncode:
            raise HarnessError(f"{name}: ended with {process.returncode}: {complained.strip()[-1500:]}")
        said = json.loads(printed if name == OURS else printed.strip().splitlines()[-1])
        return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said

    def _ask(self, method: str, path: str, body: str = "") -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body)
        answer = connection.getresponse().read().decode()
        connection.close()
        return answer


def _command(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a harness and whatever it started: its session is its own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _stage_seconds(run: Path) -> float | None:
    """From the run folder's first file to the last change of its ratings; None where either cannot be told."""
    if not (run / TABLE).exists():
        return None
    return (run / TABLE).stat().st_mtime - min(path.stat().st_mtime for path in run.iterdir())


@contextmanager
def serving() -> Iterator[int]:
    """The server, in a process of its own; its port."""
    command = [sys.executable, HERE / "throughput_server.py"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield int(server.stdout.readline())
        finally:
            server.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                server.wait(5)
            server.kill()


def note(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)
