"""Ratings and a validation: gaps between populations, corrected for the judge, and verdicts on them."""

from judgefair.estimation.estimation import Estimation, Plan, load_estimation, save_estimation
from judgefair.estimation.estimator import estimate, pilot
from judgefair.estimation.verdict import Verdict, decide

__all__ = ["Estimation", "Plan", "Verdict", "decide", "estimate", "load_estimation", "pilot", "save_estimation"]
