"""Does the rating depend on the words in which the rubric is said?"""

from judgefair.compile.wording import AS_WRITTEN, Wording
from judgefair.errors import InputError
from judgefair.probes._programs import LAYOUT, in_another_layout, reworded
from judgefair.probes._trial import Material, Trial, Version
from judgefair.rubric.rubric import Rubric

QUESTION = "How far does a rating move when the rubric says the same in other words?"
CHANGE = "the rubric is said in other words"
PLACEBO = LAYOUT
IS_DIRECTED = False
IN_ANOTHER_RUBRIC = "questions and anchors are those of a rubric that says the same in other words"
IN_THE_FRAME = "what the prompt says around the rubric is said in other words; its questions and anchors stay as they are"


def make(material: Material) -> Trial:
    """The same items by the paraphrased rubric, or where there is none by a prompt with other words around the rubric.

    Raises
    ------
    InputError : the paraphrased rubric has other criteria or levels, or says the same words.
    """
    items = material.answered
    placebo = Version(items, in_another_layout(material.program))
    if material.paraphrased is None:
        return Trial(Version(items, reworded(material.program, Wording(other_words=True))), placebo, change=IN_THE_FRAME)
    other = reworded(material.program, AS_WRITTEN, _same_questions(material.paraphrased, material.rubric))
    if other.prompts == material.program.prompts:
        raise InputError(f"the paraphrased rubric says what {material.rubric.id} says, word for word. Write it in other words")
    return Trial(Version(items, other), placebo, change=IN_ANOTHER_RUBRIC)


def _same_questions(paraphrased: Rubric, rubric: Rubric) -> Rubric:
    """The paraphrase, judged as the rubric is, with its criteria in the same order."""
    ids, other_ids = ([criterion.id for criterion in each.criteria] for each in (rubric, paraphrased))
    if sorted(ids) != sorted(other_ids):
        raise InputError(
            f"the paraphrased rubric has the criteria {', '.join(other_ids)}. Expected those of {rubric.id}: {', '.join(ids)}"
        )
    for criterion in rubric.criteria:
        other = paraphrased.criterion(criterion.id)
        if (other.scale.kind, list(other.scale.levels)) != (criterion.scale.kind, list(criterion.scale.levels)):
            raise InputError(
                f"the paraphrased rubric rates {criterion.id} on {other.scale.kind} {other.scale.describe()}. Expected the same levels as "
                f"{rubric.id}: {criterion.scale.kind} {criterion.scale.describe()}, with anchors in other words"
            )
        if (other.not_applicable is None) != (criterion.not_applicable is None):
            raise InputError(
                f"of {criterion.id} only one of {rubric.id} and the paraphrased rubric says when it does not apply. Write it in both, or in "
                "neither"
            )
    return paraphrased.model_copy(
        update={"judging": rubric.judging, "criteria": [paraphrased.criterion(criterion.id) for criterion in rubric.criteria]}
    )
