"""Arrays in, Estimates out: agreement, judge error and missingness, each in its own file."""

from judgefair.statistics.alpha import alpha
from judgefair.statistics.estimate import Estimate
from judgefair.statistics.judge_alpha import judge_alpha
from judgefair.statistics.judge_error import JudgeError, judge_error
from judgefair.statistics.kappa import kappa
from judgefair.statistics.leave_one_out import LeaveOneOut, leave_one_out
from judgefair.statistics.missing_rate import missing_rate

__all__ = [
    "Estimate",
    "JudgeError",
    "LeaveOneOut",
    "alpha",
    "judge_alpha",
    "judge_error",
    "kappa",
    "leave_one_out",
    "missing_rate",
]
