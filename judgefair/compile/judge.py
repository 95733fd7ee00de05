"""Turn a rubric into a judge program: a dspy signature for each call, rendered once and exported."""

from typing import TYPE_CHECKING, Any, Literal

from judgefair.compile.export import export, import_dspy, libraries, reply_schema
from judgefair.compile.fence import fence
from judgefair.compile.parse import NOT_APPLICABLE
from judgefair.compile.program import ALL, PAIR, SINGLE, JudgeProgram, Prompt
from judgefair.compile.wording import AS_WRITTEN, Wording
from judgefair.errors import InputError
from judgefair.rubric.criterion import Criterion
from judgefair.rubric.rubric import Rubric

if TYPE_CHECKING:
    import dspy

TOKENS_FOR_LEVEL, TOKENS_FOR_RATIONALE = 48, 400
TOP_LOGPROBS = 20
MAX_LABELS = 20
_LETTERS = "ABCDEFGHIJKLMNOPQRST"


def compile_judge(rubric: Rubric, wording: Wording = AS_WRITTEN) -> JudgeProgram:
    """The judge program of a rubric, without demonstrations.

    Parameters
    ----------
    wording : how the prompt says it; other than as written only where a judge is probed.

    Raises
    ------
    InputError : mode `distribution` with a scale or a number of criteria per call that it cannot read; one call for criteria
        that compare two responses and others that rate one.

    >>> from judgefair.rubric import load_rubric
    >>> sorted(compile_judge(load_rubric("hateful_content")).prompts)
    ['hateful']
    """
    _check_mode(rubric)
    _check_pairs(rubric)
    groups = {ALL: list(rubric.criteria)} if rubric.judging.criteria_per_call == "all" else {c.id: [c] for c in rubric.criteria}
    prompts = {key: _prompt(rubric, key, criteria, wording) for key, criteria in groups.items()}
    per_criterion = TOKENS_FOR_LEVEL + (TOKENS_FOR_RATIONALE if rubric.judging.mode == "reason_then_score" else 0)
    return JudgeProgram(
        rubric,
        prompts,
        sampling={
            "max_tokens": per_criterion * max(map(len, groups.values())),
            "seed": 0,
            "replicate_temperature": 1.0,
            "top_logprobs": TOP_LOGPROBS if rubric.judging.mode == "distribution" else None,
        },
        made_by={"optimizer": None, "arguments": {}, "train": None, "dev": None, "looks": 0},
        libraries=libraries(),
    )


def signature(rubric: Rubric, key: str, wording: Wording = AS_WRITTEN) -> "type[dspy.Signature]":
    """The dspy signature of one call: what an optimiser works on, and what the exported prompt is equal to."""
    dspy = import_dspy()
    criteria = list(rubric.criteria) if key == ALL else [rubric.criterion(key)]
    is_pair = criteria[0].scale.compares
    fields: dict[str, Any] = {
        slot: (str, dspy.InputField(desc=getattr(wording.frame, slot))) for slot in (PAIR if is_pair else SINGLE)
    }
    for criterion in criteria:
        level, rationale = (criterion.id, f"{criterion.id}_rationale") if key == ALL else ("level", "rationale")
        if rubric.judging.mode == "reason_then_score":
            wanted = wording.frame.rationale_pair if is_pair else wording.frame.rationale
            fields[rationale] = (str, dspy.OutputField(desc=wanted))
        answer = _type(criterion, _listed(rubric, criterion, wording))
        fields[level] = (answer, dspy.OutputField(desc=wording.frame.level.format(criterion.id)))
    made: type[Any] = dspy.Signature(fields, _instructions(rubric, criteria, wording))
    return made


def _prompt(rubric: Rubric, key: str, criteria: list[Criterion], wording: Wording) -> Prompt:
    slots = PAIR if criteria[0].scale.compares else SINGLE
    messages, user = export(signature(rubric, key, wording), slots, fence)
    labels = _labels(rubric, criteria[0]) if rubric.judging.mode == "distribution" else []
    return Prompt(messages, user, _schema(rubric, key, criteria, wording), labels=labels)


def _instructions(rubric: Rubric, criteria: list[Criterion], wording: Wording) -> str:
    context, frame = rubric.context, wording.frame
    is_pair = criteria[0].scale.compares
    parts = [
        frame.task_pair if is_pair else frame.task,
        frame.use_case.format(context.use_case, context.deployment),
        frame.data.format(context.permitted),
    ]
    for criterion in criteria:
        labels = _labels(rubric, criterion)
        lines = [f"{criterion.id}: {criterion.question}"]
        listed = list(zip(criterion.scale.levels, labels, strict=False))
        for level, label in reversed(listed) if wording.levels_reversed else listed:
            anchor = criterion.scale.levels[level]
            name = str(label) if str(label) == str(level) else f"{label} ({level})"
            lines.append(f"{name}: {anchor or (frame.unanchored_pair if is_pair else frame.unanchored)}")
        if criterion.scale.kind == "interval":
            lines.append(frame.any_number.format(criterion.scale.describe()))
        if criterion.not_applicable:
            lines.append(f"{labels[-1]}: {criterion.not_applicable}")
        parts.append(("\n\n" if wording.spaced else "\n").join(lines))
    return "\n\n".join(parts)


def _labels(rubric: Rubric, criterion: Criterion) -> list[Any]:
    """What the judge answers for each level, then for `not_applicable` where the criterion has it.

    In distribution mode a label must be one token, so that its probability can be read: digits stay, other levels
    become letters.
    """
    levels: list[Any] = list(criterion.scale.levels)
    extra = [NOT_APPLICABLE] if criterion.not_applicable else []
    if rubric.judging.mode != "distribution":
        return levels + extra
    if all(isinstance(level, int) and 0 <= level <= 9 for level in levels):
        return levels + (["N"] if extra else [])
    return list(_LETTERS[: len(levels) + len(extra)])


def _listed(rubric: Rubric, criterion: Criterion, wording: Wording) -> list[Any]:
    """The labels in the order in which the prompt lists them; `not_applicable` stands last in any."""
    labels, n = _labels(rubric, criterion), len(criterion.scale.levels)
    return [*reversed(labels[:n]), *labels[n:]] if wording.levels_reversed else labels


def _type(criterion: Criterion, labels: list[Any]) -> Any:
    if criterion.scale.kind != "interval":
        return Literal[tuple(labels)]
    return float | Literal["not_applicable"] if criterion.not_applicable else float


def _schema(rubric: Rubric, key: str, criteria: list[Criterion], wording: Wording) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for criterion in criteria:
        level, rationale = (criterion.id, f"{criterion.id}_rationale") if key == ALL else ("level", "rationale")
        if rubric.judging.mode == "reason_then_score":
            properties[rationale] = {"type": "string"}
        answer = {"enum": _listed(rubric, criterion, wording)} if criterion.scale.kind != "interval" else criterion.scale.schema()
        if criterion.scale.kind == "interval" and criterion.not_applicable:
            answer = {"anyOf": [answer, {"enum": [NOT_APPLICABLE]}]}
        properties[level] = answer
    return reply_schema(properties)


def _check_pairs(rubric: Rubric) -> None:
    pairs = [criterion.id for criterion in rubric.criteria if criterion.scale.compares]
    if rubric.judging.criteria_per_call == "all" and pairs and len(pairs) < len(rubric.criteria):
        raise InputError(
            f"{rubric.id}: {', '.join(pairs)} compare two responses and the other criteria rate one, which one call cannot show. "
            "Write criteria_per_call: one"
        )


def _check_mode(rubric: Rubric) -> None:
    if rubric.judging.mode != "distribution":
        return
    if rubric.judging.criteria_per_call == "all":
        raise InputError(f"{rubric.id}: judging.mode distribution reads one answer a call. Write criteria_per_call: one")
    for criterion in rubric.criteria:
        if criterion.scale.kind == "interval":
            raise InputError(
                f"{rubric.id}: {criterion.id} is on an interval scale, which has no list of levels to read the probabilities of. Use mode score"
            )
        if len(criterion.scale.levels) + 1 > MAX_LABELS:
            raise InputError(
                f"{rubric.id}: {criterion.id} has {len(criterion.scale.levels)} levels, "
                f"and distribution reads at most {MAX_LABELS - 1}. Use mode score"
            )
