"""Which model does `--model` name?"""

import platform
from pathlib import Path

from judgefair.errors import ModelError
from judgefair.models.embedded import Local
from judgefair.models.keys import read_key, refuse_or_warn
from judgefair.models.model import Model, Named
from judgefair.models.openai_server import DEFAULT_SERVER, OpenAIServer, first_model, server_address
from judgefair.models.stand_ins import scripted

DEFAULT_KEY_ENV = "OPENAI_API_KEY"


def choose_model(text: str, *, key_env: str = DEFAULT_KEY_ENV, key_file: Path | None = None, timeout: float = 600) -> Model:
    """The model that a name stands for.

    Parameters
    ----------
    text : `local`, `scripted:NAME`, `NAME` (OpenAI's server), `NAME@BASE_URL`, or a bare `BASE_URL` (its first model).
    key_env : the environment variable that holds the key.
    key_file : a file of the user's own that holds it instead.
    timeout : seconds that one request may take.

    >>> choose_model("llama@http://127.0.0.1:8000/v1").server
    'http://127.0.0.1:8000/v1'
    """
    if text == "local" or text.startswith("scripted:"):
        offline: Model = Local() if text == "local" else scripted(text.removeprefix("scripted:"))
        offline.named = Named(text, key_env, None, timeout, has_key=False)
        return offline
    key = read_key(key_env, key_file)
    model = _served(text, key, key_env, timeout)
    at = f"{model.name}@{model.server}"  # of a bare address, the model that was found there
    model.named = Named(at, key_env, None if key_file is None else str(key_file.resolve()), timeout, key is not None)
    return model


def choose_again(named: Named) -> Model:
    """The same model, chosen in another process.

    Raises
    ------
    ModelError : there was a key where the model was first chosen, and here there is none.
    """
    key_file = None if named.key_file is None else Path(named.key_file)
    if named.has_key and read_key(named.key_env, key_file) is None:
        raise ModelError(
            f"{named.key_env} is not set on {platform.node()}, where a worker is to ask {named.text}. Export the key on every machine "
            "before its Ray is started, or name a file that all of them have (--key-file)"
        )
    return choose_model(named.text, key_env=named.key_env, key_file=key_file, timeout=named.timeout)


def _served(text: str, key: str | None, key_env: str, timeout: float) -> Model:
    if text.startswith(("http://", "https://")):
        server = server_address(text)
        refuse_or_warn(server, key)  # before anything is sent there
        return OpenAIServer(first_model(server, key), server, key=key, timeout=timeout)
    name, _, address = text.rpartition("@") if "@" in text else (text, "", "")
    if not name:
        raise ModelError(f"--model is '{text}'. Expected local, scripted:NAME, NAME, NAME@BASE_URL or BASE_URL")
    if address:
        return OpenAIServer(name, server_address(address), key=key, timeout=timeout)
    if key is None:
        raise ModelError(
            f"{key_env} is not set, and '{name}' is asked at {DEFAULT_SERVER}. Export the key, or name a server: {name}@BASE_URL"
        )
    return OpenAIServer(name, key=key, timeout=timeout)
