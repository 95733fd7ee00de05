"""How is a rubric put to the judge in another prompt, when the program under test may have demonstrations of its own?"""

from dataclasses import replace

from judgefair.compile.judge import compile_judge
from judgefair.compile.program import JudgeProgram
from judgefair.compile.wording import AS_WRITTEN, Wording
from judgefair.probes._trial import CannotProbe
from judgefair.rubric.rubric import Rubric

LAYOUT = "an empty line stands between the lines of a criterion in the prompt"


def reworded(program: JudgeProgram, wording: Wording = AS_WRITTEN, rubric: Rubric | None = None) -> JudgeProgram:
    """The program with its rubric said in another way; demonstrations, sampling and calibrators stay as they are.

    Parameters
    ----------
    rubric : the same criteria and levels in other words; the program's own rubric where left out.

    Raises
    ------
    CannotProbe : the prompt is not what the rubric compiles to, so that nothing tells which of its words are to change.
    """
    other = compile_judge(rubric or program.rubric, wording)
    prompts = {}
    for key, plain in compile_judge(program.rubric).prompts.items():
        mine, n = program.prompts[key], len(plain.messages)
        if list(mine.messages[:n]) != plain.messages or list(mine.user) != list(plain.user):
            raise CannotProbe(
                f"the prompt of {key} is not what the rubric compiles to here: an optimiser or another version of judgefair wrote it. "
                "It would need a program whose instructions are the rubric's own; compile the rubric again to probe that"
            )
        said = other.prompts[key]
        prompts[key] = replace(mine, messages=[*said.messages, *mine.messages[n:]], user=said.user, schema=said.schema)
    return replace(program, rubric=other.rubric, prompts=prompts)


def in_another_layout(program: JudgeProgram) -> JudgeProgram:
    """The placebo of a changed prompt: the same words with more empty lines."""
    return reworded(program, Wording(spaced=True))
