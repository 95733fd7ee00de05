"""An inspect_ai Task: one generate a sample with the same prompt, and the answer read by its pattern scorer.

Of its two ways to judge recorded texts this is the faster one here: a model-graded scorer over answers that are already there does
the same call and more beside it. `max_connections` and `max_samples` are the number in flight; its log is written as
always, in its own format, realtime log included; nothing is drawn on the screen; its cache is off, as it is by default.
"""

import inspect_ai
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, GenerateConfig, ResponseSchema, get_model
from inspect_ai.scorer import pattern
from inspect_ai.solver import generate
from inspect_ai.util import JSONSchema
from task import read_task, report


def main() -> list[int]:
    """The levels."""
    task = read_task()
    asked = task.sampling["response_format"]["json_schema"]
    config = GenerateConfig(
        max_connections=task.in_flight,
        max_retries=0,
        max_tokens=task.sampling["max_tokens"],
        temperature=task.sampling["temperature"],
        seed=task.sampling["seed"],
        response_schema=ResponseSchema(name=asked["name"], json_schema=JSONSchema(**asked["schema"]), strict=asked["strict"]),
    )
    samples = [
        Sample(
            id=item["item_id"],
            input=[ChatMessageSystem(content=task.system), ChatMessageUser(content=task.user(item))],
            target="1",
        )
        for item in task.items
    ]
    (log,) = inspect_ai.eval(
        inspect_ai.Task(MemoryDataset(samples), solver=generate(), scorer=pattern(r'"level":\s*([01])')),
        model=get_model(f"openai-api/judge/{task.model}", base_url=task.server, api_key="none", config=config),
        max_samples=task.in_flight,
        log_dir=str(task.folder),
        display="none",
    )
    return [int(sample.scores["pattern"].answer) for sample in log.samples or []]


report(main(), "inspect-ai", "openai")
