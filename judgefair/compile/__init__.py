"""From rubric to judge program. The only package that imports dspy."""

from judgefair.compile.judge import compile_judge
from judgefair.compile.parse import Judgment
from judgefair.compile.program import JudgeProgram, load_program

__all__ = ["JudgeProgram", "Judgment", "compile_judge", "load_program"]
