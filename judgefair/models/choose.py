"""Which model does `--model` name?"""

from judgefair.errors import ModelError
from judgefair.models.embedded import Local
from judgefair.models.model import Model
from judgefair.models.openai_server import DEFAULT_SERVER, OpenAIServer, first_model, key_from, server_address
from judgefair.models.stand_ins import scripted

DEFAULT_KEY_ENV = "OPENAI_API_KEY"


def choose_model(text: str, *, key_env: str = DEFAULT_KEY_ENV, timeout: float = 600) -> Model:
    """The model that a name stands for.

    Parameters
    ----------
    text : `local`, `scripted:NAME`, `NAME` (OpenAI's server), `NAME@BASE_URL`, or a bare `BASE_URL` (its first model).
    key_env : the environment variable that holds the key.
    timeout : seconds that one request may take.

    >>> choose_model("llama@http://127.0.0.1:8000/v1").server
    'http://127.0.0.1:8000/v1'
    """
    if text == "local":
        return Local()
    if text.startswith("scripted:"):
        return scripted(text.removeprefix("scripted:"))
    key = key_from(key_env)
    if text.startswith(("http://", "https://")):
        server = server_address(text)
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
