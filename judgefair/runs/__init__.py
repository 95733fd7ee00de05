"""Run folders and the stages that fill them."""

from judgefair.runs.judge_stage import Judged, Progress, judge

__all__ = ["Judged", "Progress", "judge"]
