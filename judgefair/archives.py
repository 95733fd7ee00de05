"""What does one member of a zip archive hold? Read by its exact name, no further than allowed, and never unpacked to a path."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from judgefair.errors import InputError

_CHUNK = 1 << 20


def read_member(archive: Path, member: str, *, most_bytes: int, password: bytes | None = None) -> Iterator[bytes]:
    """The member's bytes, in chunks.

    Nothing that the archive says decides where anything is written, and what it says of the member's size is held against
    what comes out of it.

    Raises
    ------
    InputError : no zip archive, no such member, a wrong password or a damaged member; or more than `most_bytes` come out.
    """
    try:
        with ZipFile(archive) as opened, opened.open(member, pwd=password) as stream:
            size = opened.getinfo(member).file_size
            read = 0
            while size <= most_bytes and (chunk := stream.read(_CHUNK)):
                read += len(chunk)
                if read > most_bytes:
                    break
                yield chunk
    except (BadZipFile, zlib.error, EOFError, KeyError, RuntimeError, NotImplementedError, OSError) as error:
        raise InputError(
            f"{archive}: {member} cannot be read from it ({type(error).__name__}: {error}). Fetch the archive again"
        ) from None
    if max(size, read) > most_bytes:
        raise InputError(
            f"{archive}: {member} holds more than {most_bytes:,} bytes once unpacked, the most that is read. It is not used"
        )
