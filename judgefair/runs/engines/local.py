"""The work of a stage in one process: asyncio, one session for each server, one journal."""

from pathlib import Path

from judgefair.runs.asking import Asking, Progress, run_sync
from judgefair.runs.items import n_shards, read_shards
from judgefair.runs.judging import Job, OnProgress, judge_shards
from judgefair.runs.shards import shard_tables
from judgefair.runs.submissions import refuse_open_batches


def local(job: Job, run: Path, progress: Progress, on_progress: OnProgress) -> int:
    """Judge the items of a run here; how many ratings were written."""
    with shard_tables(run, job.schema) as tables:

        async def work() -> None:
            async with Asking(run, progress, job.policy, job.limits, job.concurrency, use_cache=job.use_cache) as asking:
                refuse_open_batches(asking.journal)
                await judge_shards(job, enumerate(read_shards(run)), asking, tables.keep, on_progress)

        run_sync(work())
        return tables.write_ratings(run, n_shards(run))
