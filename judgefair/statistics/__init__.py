"""Arrays in, Estimates out: agreement, judge error, corrected gaps and what they need, each in its own file."""

from judgefair.statistics.adjust import adjust
from judgefair.statistics.alpha import alpha
from judgefair.statistics.alt_test import AltTest, JointAltTest, alt_test, joint_alt_test
from judgefair.statistics.any_difference import any_difference
from judgefair.statistics.bradley_terry import BradleyTerry, bradley_terry
from judgefair.statistics.differential_functioning import DifferentialFunctioning, differential_functioning
from judgefair.statistics.disparity import Disparity, disparity
from judgefair.statistics.distribution_shift import distribution_shift
from judgefair.statistics.effective_judges import effective_judges
from judgefair.statistics.equivalence import equivalence
from judgefair.statistics.error_correlation import ErrorCorrelation, error_correlation
from judgefair.statistics.estimate import Estimate
from judgefair.statistics.flip_rate import FlipRate, flip_rate
from judgefair.statistics.gwet import gwet
from judgefair.statistics.icc import icc
from judgefair.statistics.judge_alpha import judge_alpha
from judgefair.statistics.judge_error import JudgeError, judge_error
from judgefair.statistics.kappa import kappa
from judgefair.statistics.leave_one_out import LeaveOneOut, leave_one_out
from judgefair.statistics.minimal_effect import minimal_effect
from judgefair.statistics.missing_rate import missing_rate
from judgefair.statistics.missingness_bounds import missingness_bounds
from judgefair.statistics.oaxaca_blinder import OaxacaBlinder, oaxaca_blinder
from judgefair.statistics.paired_change import PairedChange, paired_change, paired_gap_change
from judgefair.statistics.pairwise_agreement import pairwise_agreement
from judgefair.statistics.panel import Panel, panel
from judgefair.statistics.placebo_controlled import PlaceboControlled, placebo_controlled
from judgefair.statistics.plan_labels import LabelPlan, Spread, plan_labels, raters_per_item, spread_from
from judgefair.statistics.position_bias import PositionBias, position_bias
from judgefair.statistics.ppi_mean import ppi_mean
from judgefair.statistics.rank_correlation import rank_correlation
from judgefair.statistics.rate_gap import RateGap, rate_gap
from judgefair.statistics.rater_alignment import RaterAlignment, rater_alignment
from judgefair.statistics.rogan_gladen import rogan_gladen
from judgefair.statistics.shrink import Shrunk, shrink
from judgefair.statistics.simultaneous import Simultaneous, for_equivalence, simultaneous
from judgefair.statistics.worst_population import WorstPopulation, worst_population

__all__ = [
    "AltTest",
    "BradleyTerry",
    "DifferentialFunctioning",
    "Disparity",
    "ErrorCorrelation",
    "Estimate",
    "FlipRate",
    "JointAltTest",
    "JudgeError",
    "LabelPlan",
    "LeaveOneOut",
    "OaxacaBlinder",
    "PairedChange",
    "Panel",
    "PlaceboControlled",
    "PositionBias",
    "RateGap",
    "RaterAlignment",
    "Shrunk",
    "Simultaneous",
    "Spread",
    "WorstPopulation",
    "adjust",
    "alpha",
    "alt_test",
    "any_difference",
    "bradley_terry",
    "differential_functioning",
    "disparity",
    "distribution_shift",
    "effective_judges",
    "equivalence",
    "error_correlation",
    "flip_rate",
    "for_equivalence",
    "gwet",
    "icc",
    "joint_alt_test",
    "judge_alpha",
    "judge_error",
    "kappa",
    "leave_one_out",
    "minimal_effect",
    "missing_rate",
    "missingness_bounds",
    "oaxaca_blinder",
    "paired_change",
    "paired_gap_change",
    "pairwise_agreement",
    "panel",
    "placebo_controlled",
    "plan_labels",
    "position_bias",
    "ppi_mean",
    "rank_correlation",
    "rate_gap",
    "rater_alignment",
    "raters_per_item",
    "rogan_gladen",
    "shrink",
    "simultaneous",
    "spread_from",
    "worst_population",
]
