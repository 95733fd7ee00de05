"""Simulated users: which scenario blocks and arms there are, how they are rendered from a template, and what is checked."""

from judgefair.simulate.plan import Arm, Block, Design, balancing_weights, describe, minimal_gap, plan
from judgefair.simulate.template import render_template

__all__ = ["Arm", "Block", "Design", "balancing_weights", "describe", "minimal_gap", "plan", "render_template"]
