"""Run folders and the stages that fill them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judgefair.runs.judge_stage import Judged, Progress, judge

__all__ = ["Judged", "Progress", "judge"]


def __getattr__(name: str) -> Any:
    """Import on first use: what only reads a run needs no client of any server."""
    if name in __all__:
        from judgefair.runs import judge_stage

        return getattr(judge_stage, name)
    raise AttributeError(f"module 'judgefair.runs' has no attribute '{name}'")
