"""The yardstick: bare aiohttp. One session, and per call an f-string, orjson, a POST, orjson, and the level read.

No retries, no journal, no check of the reply: what the wire itself allows.
"""

import asyncio

import aiohttp
import orjson
from task import Item, Task, read_task, report, work_through


async def main(task: Task) -> list[int]:
    """The levels."""
    address, headers = f"{task.server}/chat/completions", {"content-type": "application/json", "authorization": "Bearer none"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as session:

        async def judge(item: Item) -> int:
            body = orjson.dumps({"model": task.model, "messages": task.messages(item), **task.sampling})
            async with session.post(address, data=body) as response:
                reply = orjson.loads(await response.read())
            return orjson.loads(reply["choices"][0]["message"]["content"])["level"]

        return await work_through(task, judge)


report(asyncio.run(main(read_task())), "aiohttp", "orjson")
