"""Is a reply late? Ask the same once more, and take whichever comes first. Both are paid for, so that nobody does so unasked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def first_answer(ask: Callable[[], Awaitable[T]], after: float) -> T:
    """The first answer of one request, or of two where the first takes longer than so many seconds.

    A failure counts only where no other request is left that may succeed.
    """
    running = {asyncio.ensure_future(ask())}
    try:
        done, _ = await asyncio.wait(running, timeout=after)
        if not done:
            running.add(asyncio.ensure_future(ask()))
        while True:
            done, left = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            good = next((task for task in done if task.exception() is None), None)
            if good is not None:
                return good.result()
            if not left:
                return done.pop().result()
            running = left
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
