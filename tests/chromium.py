"""How do tests look at pages? In the Chromium of this machine, which asks nobody but the pages' own server."""

import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
IN_CHROMIUM = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
    pytest.mark.xdist_group("browser"),
]
"""Marks of a module whose tests take the fixture `browser`."""


def brightness(colour: str) -> float:
    """Sum of the channels of `rgb(r, g, b)`."""
    return sum(float(channel) for channel in colour[colour.index("(") + 1 : -1].split(",")[:3])
