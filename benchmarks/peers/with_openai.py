"""The openai client as its documentation recommends it for many requests at once: AsyncOpenAI on its aiohttp transport."""

import asyncio
import json

from openai import AsyncOpenAI, DefaultAioHttpClient
from task import Item, Task, read_task, report, work_through


async def main(task: Task) -> list[int]:
    """The levels."""
    async with AsyncOpenAI(api_key="none", base_url=task.server, max_retries=0, http_client=DefaultAioHttpClient()) as client:

        async def judge(item: Item) -> int:
            reply = await client.chat.completions.create(model=task.model, messages=task.messages(item), **task.sampling)
            return json.loads(reply.choices[0].message.content)["level"]

        return await work_through(task, judge)


report(asyncio.run(main(read_task())), "openai", "aiohttp")
