"""How does the page get to the reader's browser, and to nobody else's?"""

import socket
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import uvicorn

from judgefair.errors import InputError
from judgefair.reviewing.app import Prefilled, review_app
from judgefair.reviewing.guard import Keys

LOOPBACK = "127.0.0.1"


def serve(
    run: Path, *, port: int = 0, prefilled: Prefilled | None = None, told: Callable[[str], None], opens_browser: bool = True
) -> None:
    """Serve the page of a run on this computer alone, until it is interrupted.

    Parameters
    ----------
    port : 0 for any that is free.
    told : is given the address, with its key, once the page can be asked for.

    Raises
    ------
    InputError : the folder is no run that can be looked through; the port is taken.
    """
    with _listening(port) as listener:
        keys = Keys(listener.getsockname()[1])
        app = review_app(run, keys, prefilled)
        address = f"http://{LOOPBACK}:{keys.port}/?key={keys.key}"
        told(address)
        if opens_browser:  # in a thread of its own: a browser of the terminal does not return before it is left
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        settings = uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", ws="none", proxy_headers=False, server_header=False,
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        with suppress(KeyboardInterrupt):
            uvicorn.Server(settings).run(sockets=[listener])


def _listening(port: int) -> socket.socket:
    """A socket that nothing but this computer reaches."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise InputError(
            f"--port is {port}: cannot be listened on ({error.strerror}). Leave it out, and a free one is taken"
        ) from None
    return listener
