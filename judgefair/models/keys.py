"""Where does a key come from, where may it go, and how is it kept out of everything that is written?"""

import base64
import functools
import html
import ipaddress
import json
import os
import re
import shlex
import stat
from pathlib import Path
from urllib.parse import quote, quote_plus, urlparse

from judgefair.errors import InputError

MOST_BYTES = 4_096
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEY = re.compile(r"[!-~]+")  # what a header carries as it is
_LEAST_IN_BASE64 = 8  # a shorter piece would also be found in text that has nothing to do with the key


def read_key(env: str, file: Path | None = None) -> str | None:
    """The key in `file` where one is named, else in the environment variable `env`; None where that is not set.

    Blanks and line ends around the key are no part of it.

    Raises
    ------
    InputError : the file is not a regular file of one's own that nobody else may open; or what is there is no key. No message
        repeats what was found.
    """
    if file is not None:
        return _checked(_content(file), str(file), _mend(file))
    if not _NAME.fullmatch(env):  # perhaps the key itself, which is not repeated
        raise InputError(
            "--key-env is no name of an environment variable: expected letters, digits and underscores, such as OPENAI_API_KEY. "
            "Export the key under such a name, and give the name"
        )
    held = os.environ.get(env, "")
    return _checked(held, f"environment variable {env}") if held.strip() else None


def redact(text: str, key: str | None) -> str:
    """The text with `[key]` for the key, also where it is quoted for a URL, escaped for JSON, HTML or Python, or in base64.

    >>> redact("Bearer a/key is wrong, see ?key=a%2Fkey", "a/key")
    'Bearer [key] is wrong, see ?key=[key]'
    """
    for form in _forms(key) if key else ():
        text = text.replace(form, "[key]")
    return text


def redact_bytes(content: bytes, key: str | None) -> bytes:
    """As `redact`, of what came over the wire: a server may repeat the key in an answer as well as in an error."""
    for form in _forms_as_bytes(key) if key else ():
        content = content.replace(form, b"[key]")
    return content


def refuse_or_warn(server: str, key: str | None) -> str | None:
    """What to tell before a key goes to `server`, a base URL: None where nothing is to be told.

    A key that goes unencrypted to another machine is worth a warning: whoever is on the way can read it.

    Raises
    ------
    InputError : the address is none, or carries a user name or password, which would stand in manifests and reports.

    >>> refuse_or_warn("http://127.0.0.1:8000/v1", "secret")
    >>> refuse_or_warn("http://10.0.0.7:8000/v1", "secret")
    'the key goes to 10.0.0.7 unencrypted, and so does every text. Use https, or a tunnel to a port of 127.0.0.1'
    """
    try:
        parts = urlparse(server)
        host = parts.hostname or ""
    except ValueError as error:
        raise InputError(
            f"the server's address cannot be read ({error}). Expected a URL such as http://127.0.0.1:8000/v1"
        ) from None
    try:
        _ = parts.port
    except ValueError:  # whose words would repeat it, and it may be a password with a slash in it
        raise InputError(
            "the server's address has a port that is no number. Expected a URL such as http://127.0.0.1:8000/v1"
        ) from None
    if "@" in parts.netloc:
        raise InputError(
            f"the address of the server {host} carries a user name or password, which would stand in manifests and reports. "
            "Leave it out, and put the key into an environment variable (--key-env) or a file"
        )
    if key is None or parts.scheme != "http" or _is_loopback(host):
        return None
    return f"the key goes to {host} unencrypted, and so does every text. Use https, or a tunnel to a port of 127.0.0.1"


def _content(file: Path) -> str:
    """The file's text; what is checked is the file that was opened, so that none can be put in its place meanwhile."""
    mend = _mend(file)
    try:
        opened = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # a pipe is refused, and not waited for
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read ({error}). Expected a file with the key and nothing else in it{mend}") from None
    try:
        status = os.fstat(opened)
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{file}: is no regular file. Write the key into one of your own{mend}")
        _refuse_shared(status, file)
        held = os.read(opened, MOST_BYTES + 1)
    finally:
        os.close(opened)
    if len(held) > MOST_BYTES:
        raise InputError(f"{file}: holds more than {MOST_BYTES:,} bytes. Expected the key and nothing else{mend}")
    return held.decode("utf-8", "replace")


def _refuse_shared(status: os.stat_result, file: Path) -> None:
    if os.name != "posix":  # elsewhere these numbers do not say who may read it
        return
    if status.st_uid not in {os.geteuid(), 0}:
        raise InputError(f"{file}: belongs to another user. Copy the key into a file of your own{_mend(file)}")
    mode = stat.S_IMODE(status.st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(f"{file}: others than its owner may open it (its mode is {mode:04o}). Expected 0600{_mend(file)}")


def _mend(file: Path) -> str:
    return f". Run: chmod 600 {shlex.quote(str(file))}"


def _checked(held: str, where: str, mend: str = "") -> str:
    key = held.strip()
    if not key:
        raise InputError(f"{where}: is empty. Expected the key, on one line{mend}")
    if (n := len(key.splitlines())) > 1:
        raise InputError(f"{where}: holds {n:,} lines. Expected the key, on one line{mend}")
    if not _KEY.fullmatch(key):
        raise InputError(f"{where}: holds a blank or a character that no key has. Expected one line of plain ASCII{mend}")
    return key


@functools.lru_cache(maxsize=16)
def _forms(key: str) -> tuple[str, ...]:
    """How a key may stand in a text, the longest first, so that none leaves a piece of another."""
    escaped = json.dumps(key)[1:-1]
    quoted = [quote(key, safe=""), quote(key), quote_plus(key)]
    forms = {key, escaped, escaped.replace("/", "\\/"), repr(key)[1:-1], html.escape(key), html.escape(key, quote=False)}
    forms |= {*quoted, *(re.sub("%..", lambda code: code[0].lower(), text) for text in quoted), *_in_base64(key)}
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


@functools.lru_cache(maxsize=16)
def _forms_as_bytes(key: str) -> tuple[bytes, ...]:
    return tuple(form.encode() for form in _forms(key))


def _in_base64(key: str) -> set[str]:
    """What stands in base64 wherever the key does, alone or after a user's name: each place in the group of three bytes has its own."""
    pieces = set()
    for before in range(3):
        shifted = b"\0" * before + key.encode()
        whole = base64.b64encode(shifted).decode()
        first = (before * 8 + 5) // 6  # the first character that holds bits of the key alone
        last = len(shifted) * 8 // 6
        pieces |= {whole[first:last], whole[first:last].translate(str.maketrans("+/", "-_"))}
    return {piece for piece in pieces if len(piece) >= _LEAST_IN_BASE64}


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
