"""A disk that is really full, and a folder that is really read-only: mounts of the machine, where it permits them."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class SmallDisk:
    """A tmpfs of so many bytes."""

    folder: Path

    def fill(self, leave: int = 0) -> None:
        """Take all space but so many bytes of it."""
        with (self.folder / "ballast").open("ab") as file:
            while (free := self._free() - leave) > 0:
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, free)
                except OSError as error:
                    if error.errno != errno.ENOSPC:  # others wrote meanwhile
                        raise

    def make_room(self) -> None:
        (self.folder / "ballast").unlink()

    def _free(self) -> int:
        stat = os.statvfs(self.folder)
        return stat.f_bavail * stat.f_frsize


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[SmallDisk]:
    """A new disk at a folder."""
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
    try:
        yield SmallDisk(folder)
    finally:
        _unmount(folder)


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    """A folder or file that cannot be written to; files of it that were open stay so."""
    _mount("--bind", path, path)
    try:
        _mount("-o", "remount,bind,ro", path)
        yield
    finally:
        _unmount(path)


def _mount(*arguments: object) -> None:
    try:
        done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no disk can be mounted here: there is no mount command")
    if done.returncode:
        pytest.skip(f"no disk can be mounted here ({done.stderr.strip()}). Run the tests as root, or under: unshare -rm")


def _unmount(path: Path) -> None:
    subprocess.run(["umount", "--lazy", str(path)], check=True)  # a test that failed may hold files open
