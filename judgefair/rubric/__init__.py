"""Rubrics: what is judged, for whom, and how large a gap is tolerated."""

from judgefair.rubric.load import check_rubric, load_rubric
from judgefair.rubric.rubric import Rubric
from judgefair.rubric.scale import Scale, parse_scale

__all__ = ["Rubric", "Scale", "check_rubric", "load_rubric", "parse_scale"]
