"""What tests of models share: waits that are noted instead of waited for."""

import asyncio

import pytest


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the client wanted to wait, in order; none of them passes."""
    noted: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float, result: object = None) -> object:
        if seconds > 0:
            noted.append(seconds)
        return await sleep(0, result)

    monkeypatch.setattr(asyncio, "sleep", note)
    return noted
