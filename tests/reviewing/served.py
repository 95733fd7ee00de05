"""`judgefair review` in a process of its own, as a person starts it."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.builders import judgefair


@dataclass(frozen=True, slots=True)
class Served:
    """A page that is being served, and its process."""

    address: str
    process: subprocess.Popen[str]

    def interrupt(self) -> int:
        """End it as Ctrl-C does; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)

    def stderr(self) -> str:
        """What it said beside its result, once it has ended."""
        assert self.process.stderr
        return self.process.stderr.read()


@contextmanager
def served(run: Path, *options: str) -> Iterator[Served]:
    """The page of a run while it is served."""
    line = judgefair("review", run, "--no-browser", "--json", *options)
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            told = ""
            for text in process.stdout:
                told += text
                if text.startswith("}"):
                    break
            assert told, process.stderr and process.stderr.read()
            yield Served(json.loads(told)["address"], process)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
