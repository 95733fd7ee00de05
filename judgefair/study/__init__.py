"""A study: one file from which everything follows, from simulated users to verdicts."""

from judgefair.study.cost import price
from judgefair.study.options import Study, load_study
from judgefair.study.pipeline import run_study

__all__ = ["Study", "load_study", "price", "run_study"]
