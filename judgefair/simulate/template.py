"""A query for one arm, from what a person wrote: the scenario's turns and the rubric's cues. Deterministic, offline."""

from judgefair.records import Query
from judgefair.rubric.context import Context
from judgefair.simulate.plan import PARAPHRASE, SAME_GROUP, Arm, Block, Design

GENERATOR = "template"
SENTENCE_ENDS = tuple(".!?…。！？؟।")


def render_template(design: Design, context: Context) -> list[Query]:
    """Every arm of every block, in the order of the design."""
    return [template_query(design, block, place, context) for block in design.blocks for place in range(len(design.arms))]


def template_query(design: Design, block: Block, place: int, context: Context) -> Query:
    """One arm of one block: its turns, with a cue before them for each axis that the arm shows.

    A bare name becomes a signature. The paraphrase placebo says the rubric's own paraphrase, or where it has none puts
    sentences last instead of first, and a bare name first instead of last.
    """
    arm = design.arms[place]
    opening, *rest = _turns(block, arm)
    cues = cue_texts(block, arm, context)
    sentences = [cue for cue in cues if cue.rstrip()[-1:] in SENTENCE_ENDS]
    names = [cue for cue in cues if cue not in sentences]
    if arm.placebo == PARAPHRASE and block.paraphrase is None:
        text = "\n\n".join([*names, " ".join([opening, *sentences])])
    else:
        text = "\n\n".join([" ".join([*sentences, opening]), *names])
    return Query(
        query_id=query_id(block, place), scenario_id=block.scenario_id, block_id=block.block_id, arm=arm.name, cue=arm.cue,
        placebo=arm.placebo, populations=dict(arm.populations), turns=(text, *rest), language=context.languages[0],
        generator=GENERATOR, seed=design.seed, merit=block.merit,
    )  # fmt: skip


def query_id(block: Block, place: int) -> str:
    """Names block and arm; the same design always gives the same ids."""
    return f"{block.block_id}-a{place:03}"


def cue_texts(block: Block, arm: Arm, context: Context) -> list[str]:
    """What the rubric's author wrote to show the arm's populations: the same place of the list for all groups of a block."""
    texts = []
    for axis in context.populations:
        if axis.axis in arm.populations:
            lists = {name: (group.cues or {})[arm.cues[axis.axis]] for name, group in axis.groups.items()}  # type: ignore[index]
            cues = lists[arm.populations[axis.axis]]
            place = block.number % min(map(len, lists.values()))  # what a longer list has beyond the others has no counterpart
            texts.append(cues[(place + (arm.placebo == SAME_GROUP)) % len(cues)])
    return texts


def _turns(block: Block, arm: Arm) -> tuple[str, ...]:
    return block.paraphrase if arm.placebo == PARAPHRASE and block.paraphrase is not None else block.turns
