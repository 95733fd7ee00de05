"""Is a criterion rated otherwise in the company of others? (Halo.)"""

from dataclasses import replace

from judgefair.compile.judge import compile_judge
from judgefair.compile.program import JudgeProgram
from judgefair.probes._programs import LAYOUT, in_another_layout
from judgefair.probes._trial import CannotProbe, Material, Trial, Version

QUESTION = "How far does a rating move when all criteria are asked for in one call, against one call for each?"
CHANGE = "criteria that were asked for in one call are asked for in one call each, or the other way round"
PLACEBO = LAYOUT
IS_DIRECTED = False


def make(material: Material) -> Trial:
    """The same items by a program with the other number of criteria a call."""
    rubric = material.rubric
    if len(rubric.criteria) < 2:
        raise CannotProbe("the rubric has one criterion. It would need a second one that could throw its light on the first")
    if rubric.judging.mode == "distribution":
        raise CannotProbe("mode distribution reads one answer a call. It would need a program in mode score or reason_then_score")
    if any(prompt.demonstrations for prompt in material.program.prompts.values()):
        raise CannotProbe("the program's demonstrations answer one way of asking. It would need a program without demonstrations")
    items = material.answered
    placebo = in_another_layout(material.program)
    return Trial(Version(items, _asked_the_other_way(material.program)), Version(items, placebo))


def _asked_the_other_way(program: JudgeProgram) -> JudgeProgram:
    per_call = "one" if program.rubric.judging.criteria_per_call == "all" else "all"
    judging = program.rubric.judging.model_copy(update={"criteria_per_call": per_call})
    other = compile_judge(program.rubric.model_copy(update={"judging": judging}))
    sampling = {**program.sampling, "max_tokens": other.sampling["max_tokens"]}
    return replace(program, rubric=other.rubric, prompts=other.prompts, sampling=sampling)
