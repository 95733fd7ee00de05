"""How does a prompt leave dspy? It is formatted once with sentinels in its slots, and rendered without dspy from then on."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import dspy

Messages = list[dict[str, str]]
Pieces = list[dict[str, str]]
"""The last message in pieces, in order: `text`, and `slot` for what the caller fills in."""


def export(
    signature: "type[dspy.Signature]",
    slots: Sequence[str],
    fence: Callable[[str], str],
    demonstrations: Sequence[Mapping[str, Any]] = (),
) -> tuple[Messages, Pieces]:
    """The static messages of a signature, and its last message in pieces.

    Parameters
    ----------
    slots : the input fields, in the order of the signature.
    fence : what every slot is put between, here and whenever the prompt is rendered.
    demonstrations : values of every field, shown as earlier turns; their slots are fenced already.
    """
    sentinels = {fence(f"\ue000{name}\ue000"): name for name in slots}
    inputs = {name: sentinel for sentinel, name in sentinels.items()}
    *static, last = adapter().format(signature, [dict(shown) for shown in demonstrations], inputs)
    parts = re.split(f"({'|'.join(map(re.escape, sentinels))})", last["content"])
    pieces = [{"slot": sentinels[part]} if part in sentinels else {"text": part} for part in parts]
    assert [piece["slot"] for piece in pieces if "slot" in piece] == list(slots), "every slot stands once, in order"
    return [{"role": message["role"], "content": message["content"]} for message in static], pieces


def fill(user: Sequence[Mapping[str, str]], fenced: Mapping[str, str]) -> dict[str, str]:
    """The last message, with its slots filled; what goes in is fenced already."""
    content = "".join([piece["text"] if "text" in piece else fenced[piece["slot"]] for piece in user])
    return {"role": "user", "content": content}


def reply_schema(properties: dict[str, Any]) -> dict[str, Any]:
    """JSON schema of an object with exactly these properties."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def adapter() -> "dspy.JSONAdapter":
    """The dspy adapter whose formatting the exported prompts reproduce."""
    return import_dspy().JSONAdapter()


def libraries() -> dict[str, str]:
    """Versions of what shapes a prompt."""
    return {"judgefair": version("judgefair"), "dspy": version("dspy")}


def import_dspy() -> Any:
    """dspy, kept off the network."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or litellm fetches a price list
    import dspy

    return dspy
