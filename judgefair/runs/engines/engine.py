"""What is an engine? Where the work of a stage is done; the ratings are the same."""

from collections.abc import Callable
from pathlib import Path

from judgefair.runs.asking import Progress
from judgefair.runs.judging import Job, OnProgress

Engine = Callable[[Job, Path, Progress, OnProgress], int]
"""Judges the items of a run folder and writes its `ratings.parquet`; how many ratings there are."""
