"""What do 100,000 and 1,000,000 judgments take: memory, and the time to replay them from the journal?

Run as `python benchmarks/scale.py [--small 100000 --large 1000000]`; with the defaults it takes about a quarter of an hour. Each run is
`judgefair judge` in a process of its own, against the loopback server of `throughput_server.py`; what it prints is wall time and
the peak of resident memory. It ends with an error where a claim does not hold:

- replaying the small run takes less than 8 seconds and makes no call;
- of a run in which one item has changed, only that item is asked again;
- the large run, fresh and replayed, stays within 300 MB of the small one.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from throughput_run import note, serving

REPLAY_SECONDS, MEMORY_MB = 8.0, 300.0
TEXT = "Somebody wrote this about the weather and their neighbours. " * 6


def main() -> int:
    """Run, print and judge the claims."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", type=int, default=100_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    given = parser.parse_args()
    holds = []
    with tempfile.TemporaryDirectory() as folder, serving() as port:
        work = Path(folder)
        run_judgefair("compile", "hateful_content", "--out", work / "program.json")
        peaks = {}
        for n in (given.small, given.large):
            items = work / f"items-{n}.jsonl"
            write_items(items, n)
            for what in ("fresh", "replay"):
                seconds, peak, calls = judge(work, items, port)
                peaks[n, what] = peak
                print(f"{n:>9,} items, {what:6}: {seconds:7.1f} s, peak {peak:5.0f} MB, {calls:,} calls")
                if what == "replay" and n == given.small:
                    holds.append(
                        claim(
                            f"replay of {n:,} in {seconds:.1f} s, below {REPLAY_SECONDS:g}, without a call",
                            seconds < REPLAY_SECONDS and not calls,
                        )
                    )
            if n == given.small:
                write_items(items, n, changed=n // 2)
                _, _, calls = judge(work, items, port)
                holds.append(claim(f"one changed item: {calls} call, expected 1", calls == 1))
            shutil.rmtree(work / "run")
        for what in ("fresh", "replay"):
            more = peaks[given.large, what] - peaks[given.small, what]
            holds.append(
                claim(
                    f"{what}: {more:.0f} MB more for {given.large:,} items than for {given.small:,}, at most {MEMORY_MB:g}",
                    more <= MEMORY_MB,
                )
            )
    return 0 if all(holds) else 1


def claim(what: str, is_true: bool) -> bool:
    """Print whether it holds."""
    print(f"{'PASS' if is_true else 'FAIL'}: {what}")
    return is_true


def write_items(path: Path, n: int, changed: int | None = None) -> None:
    """Items whose texts all differ; one of them may differ from what it was."""

    def lines() -> Iterator[str]:
        for k in range(n):
            text = f"Post number {k}{', edited' if k == changed else ''}. {TEXT}"
            yield (
                json.dumps(
                    {"item_id": f"i{k}", "query": "", "response": text, "populations": {"target": "women" if k % 2 else "none"}}
                )
                + "\n"
            )

    with path.open("w") as file:
        file.writelines(lines())


def judge(work: Path, items: Path, port: int) -> tuple[float, float, int]:
    """Seconds, peak memory in MB, and calls of one run."""
    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/reset", data=b"0", method="POST")).read()
    model = f"m@http://127.0.0.1:{port}/v1"
    seconds, peak = run_judgefair(
        "judge", "--program", work / "program.json", "--items", items, "--model", model, "--out", work / "run", "--concurrency", 64,
        "--no-cache",
    )  # fmt: skip
    stats = json.loads(urllib.request.urlopen(f"http://127.0.0.1:{port}/stats").read())
    return seconds, peak, stats["calls"]


def run_judgefair(*arguments: object) -> tuple[float, float]:
    """Wall seconds and peak memory in MB of one command."""
    started = time.monotonic()
    line = [sys.executable, "-c", "from judgefair.cli import main; main()", *map(str, arguments)]
    process = os.posix_spawn(
        sys.executable, line, dict(os.environ), file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    )
    _, status, usage = os.wait4(process, 0)
    if status:
        note(f"judgefair {arguments[0]} ended with {os.waitstatus_to_exitcode(status)}")
        raise SystemExit(1)
    return time.monotonic() - started, usage.ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
