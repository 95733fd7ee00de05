"""What does dspy see of one call of a judge program, and what comes back of it?"""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefair.compile.dspy_bridge import NO_ADVICE, strict_adapter, with_advice
from judgefair.compile.export import export, import_dspy
from judgefair.compile.fence import fence
from judgefair.compile.judge import signature
from judgefair.compile.labelled import Labelled, agreement
from judgefair.compile.optimizers._task import Effort, Task
from judgefair.compile.parse import Unparsable, read_level
from judgefair.compile.program import ALL, PAIR, SINGLE, JudgeProgram, Prompt, slots_of
from judgefair.records import Level
from judgefair.rubric.criterion import Criterion

if TYPE_CHECKING:
    import dspy


class Student:
    """One call of a program as a dspy module, with metric, feedback and examples; the rubric's words are out of its reach."""

    def __init__(self, program: JudgeProgram, call: str, train: Sequence[Labelled], dev: Sequence[Labelled]) -> None:
        self.program, self.call, self.train, self.dev = program, call, train, dev
        self._criteria = [program.rubric.criterion(name) for name in program.criteria_of(call)]
        self._slots = PAIR if program.prompts[call].is_pair else SINGLE

    def task(self, reflection: "dspy.LM | None", effort: Effort, seed: int, n_threads: int) -> Task:
        """What an optimiser is given."""
        dspy = import_dspy()
        of_rubric = signature(self.program.rubric, self.call)
        names, levels = list(of_rubric.output_fields), self._levels()
        adapter = strict_adapter(of_rubric.instructions, names, lambda name, value: self._is_answer(name, value))
        of_id = {one.item.item_id: one for one in [*self.train, *self.dev]}

        class Judge(dspy.Module):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.judge = dspy.Predict(of_rubric.with_instructions(NO_ADVICE))

            def forward(self, **asked: Any) -> Any:
                with dspy.context(adapter=adapter):
                    return self.judge(**asked)

        def metric(gold: Any, said: Any, trace: Any = None, *_: Any) -> float:  # noqa: ARG001 - dspy's signature
            one = of_id[gold.item_id]
            found = [
                0.0 if level is None else agreement(criterion, level, one.said[criterion.id])
                for criterion in self._criteria
                if criterion.id in one.said
                for level in [levels[criterion.id].get(_said(said, self._field(criterion)))]
            ]
            return float(np.mean(found))

        def with_feedback(gold: Any, said: Any, trace: Any = None, name: Any = None, name_trace: Any = None) -> Any:  # noqa: ARG001
            one = of_id[gold.item_id]
            told = [
                _feedback(criterion, levels[criterion.id].get(_said(said, self._field(criterion))), one)
                for criterion in self._criteria
                if criterion.id in one.said
            ]
            return dspy.Prediction(score=metric(gold, said), feedback="\n".join(told))

        spans = [criterion.scale.span for criterion in self._criteria if criterion.scale.has_points]
        near = 1 - (0.5 / max(spans)) ** 2 if spans else 1.0  # within half a scale point, or what all humans said
        return Task(
            Judge(), [self._example(one) for one in self.train], [self._example(one) for one in self.dev],
            [self._example(one) for one in self._to_be_shown(seed)], metric, with_feedback, near,
            reflection, effort, seed, n_threads,
        )  # fmt: skip

    def _to_be_shown(self, seed: int) -> list[Labelled]:
        """Items of train on which humans gave one answer to every field of the reply, level after level in turn, so that a few
        show them all."""
        by_level: dict[tuple[Any, ...], list[Labelled]] = {}
        for one in self.train:
            said = tuple(one.said[c.id].level if c.id in one.said else None for c in self._criteria)
            if None not in said:
                by_level.setdefault(said, []).append(one)
        rng = random.Random(seed)
        for group in by_level.values():
            rng.shuffle(group)
        in_turn = zip_longest(*(by_level[said] for said in sorted(by_level, key=str)))
        return [one for row in in_turn for one in row if one is not None]

    def _example(self, one: Labelled) -> Any:
        dspy = import_dspy()
        texts = slots_of(one.item)
        shown: dict[str, Any] = {name: texts[name] for name in self._slots} | {"item_id": one.item.item_id}
        for criterion in self._criteria:
            said = one.said.get(criterion.id)
            if said is None or said.level is None:
                continue
            if self.program.mode == "reason_then_score":
                shown[self._field(criterion, "rationale")] = _reason(criterion, said.level, said.rationales)
            shown[self._field(criterion)] = self._label(criterion, said.level)
        return dspy.Example(**shown).with_inputs(*self._slots)

    def exported(self, student: Any) -> tuple[Prompt, str, int]:
        """The prompt that the student came to, its advice, and how many examples it shows."""
        predictor = student.judge
        advice = "" if predictor.signature.instructions == NO_ADVICE else predictor.signature.instructions.strip()
        of_rubric = signature(self.program.rubric, self.call)
        whole = of_rubric.with_instructions(with_advice(of_rubric.instructions, advice))
        fields = list(whole.fields)
        shown = [{name: demo[name] for name in fields} for demo in predictor.demos if all(name in demo for name in fields)]
        messages, user = export(whole, self._slots, fence, shown)
        prompt = replace(self.program.prompts[self.call], messages=messages, user=user, demonstrations=shown)
        return prompt, advice, len(shown)

    def _levels(self) -> dict[str, dict[Any, Level]]:
        """By criterion, the level that each answer stands for."""
        return {c.id: {self._label(c, level): level for level in c.scale.levels} for c in self._criteria}

    def _label(self, criterion: Criterion, level: Level) -> Any:
        labels = self.program.prompts[self.call].labels
        return labels[list(criterion.scale.levels).index(level)] if labels else level

    def _field(self, criterion: Criterion, what: str = "level") -> str:
        if what == "level":
            return criterion.id if self.call == ALL else "level"
        return f"{criterion.id}_rationale" if self.call == ALL else "rationale"

    def _is_answer(self, field: str, value: Any) -> bool:
        for criterion in self._criteria:
            if field == self._field(criterion):
                if labels := self.program.prompts[self.call].labels:
                    return any(type(value) is type(label) and value == label for label in labels)
                try:
                    read_level(value, criterion)
                except Unparsable:
                    return False
                return True
        return isinstance(value, str)


def _said(prediction: Any, field: str) -> Any:
    """The answer of a prediction; None where it has none that could be looked up."""
    value = prediction.get(field) if hasattr(prediction, "get") else getattr(prediction, field, None)
    return value if isinstance(value, int | float | str) and not isinstance(value, bool) else None


def _feedback(criterion: Criterion, level: Level | None, one: Labelled) -> str:
    """What a model that proposes advice is told of one judgment."""
    said, scale = one.said[criterion.id], criterion.scale
    people = ", ".join(str(scale.level(float(code))) for code in np.sort(said.codes))
    if level is None:
        return f"{criterion.id}: the reply was no answer that can be read. Humans said {people}."
    if not scale.has_points:
        share = float((said.codes == scale.code(level)).mean())
        told = f"{criterion.id}: humans {people}; judge {level}, which {share:.0%} of them said."
    else:
        off = scale.code(level) - said.mean
        if abs(off) < 0.5:
            return f"{criterion.id}: humans {people}; judge {level}. They agree."
        told = f"{criterion.id}: humans {people}; judge {level}: too {'high' if off > 0 else 'low'} by {abs(off):.1f}."
    near = said.level if said.level is not None else scale.level(float(np.median(said.codes.round())))
    anchors = [f"{name} is: {scale.levels[name]}" for name in dict.fromkeys([near, level]) if scale.levels.get(name)]
    written = [f"A rater wrote: {fence(text)}" for text in said.rationales]
    return " ".join([told, *anchors, *written])


def _reason(criterion: Criterion, level: Level, written: Sequence[str]) -> str:
    """The reason beside a demonstration: a rater's own words, or the anchor that was found to fit."""
    if written:
        return fence(written[0]).split("\n", 1)[1].rsplit("\n", 1)[0]
    anchor = criterion.scale.levels.get(level)
    return f"Raters found that this fits: {anchor}" if anchor else f"Raters found that {level} fits better than its neighbours."
