"""Does another prompt, or another reading of the judge's levels, agree better with humans in one call of a program?"""

import contextlib
import functools
import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from judgefair.compile.calibrator import Calibrator, fit_calibrator
from judgefair.compile.dspy_bridge import Ask, JudgeEngine, ReflectionEngine, StopAsking, lm_of
from judgefair.compile.export import import_dspy
from judgefair.compile.labelled import Labelled, agreement
from judgefair.compile.optimizers._task import Effort
from judgefair.compile.orders import of_both_orders
from judgefair.compile.parse import Judgment
from judgefair.compile.program import JudgeProgram, Prompt
from judgefair.compile.student import Student
from judgefair.errors import InputError
from judgefair.models.model import Model
from judgefair.records import Item, Missing
from judgefair.rubric.criterion import Criterion
from judgefair.statistics.clustered import SOURCE, ClusteredMean
from judgefair.statistics.estimate import Estimate, signed, undefined
from judgefair.statistics.ppi_mean import mean_by_unit

ISOTONIC = "isotonic"
"""The optimiser that leaves the prompt as it is, and learns what humans say where the judge gives a level."""
FOLDS = 5
FEWEST = 5
"""Labelled items of train and of dev, below which nothing can be learned or shown."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one call of the program.

    Attributes
    ----------
    call : the criterion, or `*` where one call rates all.
    gain : mean agreement on dev, improved minus plain, on the items that both rated.
    lost_plain, lost_improved : items of dev without a rating by the plain and by the improved program.
    accepted : whether the gain's interval lies above 0 and no more ratings are lost than before.
    reason : why not; "" where it was accepted.
    advice, n_demonstrations : what the optimiser came to.
    cross_fitted : of `isotonic`, the gain on train when each fifth of the scenarios is calibrated by the others.
    """

    call: str
    gain: Estimate
    lost_plain: int
    lost_improved: int
    accepted: bool
    reason: str
    advice: str = ""
    n_demonstrations: int = 0
    cross_fitted: Estimate | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data, as a program keeps it."""
        told = {
            "accepted": self.accepted, "reason": self.reason, "gain": self.gain.to_json(), "lost_plain": self.lost_plain,
            "lost_improved": self.lost_improved, "advice": self.advice, "demonstrations": self.n_demonstrations,
        }  # fmt: skip
        return told if self.cross_fitted is None else told | {"cross_fitted": self.cross_fitted.to_json()}

    def in_words(self) -> str:
        """One sentence: whether it was accepted, and by what."""
        found = self.gain
        gain = (
            f"{signed(found.value, 3)} [{signed(found.low, 3)}, {signed(found.high, 3)}]"
            if found.low == found.low
            else "no interval"
        )
        kept = "accepted" if self.accepted else f"the plain program is kept: {self.reason}"
        return f"{self.call}: agreement on dev {gain}, {found.n_items:,} items; {kept}"


class Call:
    """One call of the program, with what it may learn from."""

    def __init__(
        self,
        program: JudgeProgram,
        call: str,
        train: list[Labelled],
        dev: list[Labelled],
        model: Model,
        ask: Ask,
        n_threads: int,
        confidence: float,
    ) -> None:
        self.program, self.call, self.train, self.dev = program, call, train, dev
        self._model, self._ask, self._n_threads, self._confidence = model, ask, n_threads, confidence
        self._criteria = criteria_of(program, call)
        for name, labelled in (("train", train), ("dev", dev)):
            if len(labelled) < FEWEST:
                raise InputError(
                    f"{call}: {len(labelled)} items of {name} have human ratings, and {FEWEST} are the fewest to learn from. "
                    "Label more, or choose a larger calibration set"
                )

    def improve(self, module: Any, reflection: Model | None, effort: Effort, seed: int) -> tuple[Outcome, Prompt]:
        """A prompt with advice or demonstrations, and whether dev shows it to be better."""
        prompt = self.program.prompts[self.call]
        before = self._judged(self.program, self.dev)
        dspy = import_dspy()
        engine = JudgeEngine(self._model, prompt.schema, self.program.sampling, self._ask)
        student = Student(self.program, self.call, self.train, self.dev)
        asked = None if reflection is None else lm_of(ReflectionEngine(reflection, self._ask))
        with _quiet(), dspy.context(
            lm=lm_of(engine), adapter=dspy.ChatAdapter(use_json_adapter_fallback=False), num_threads=self._n_threads,
            max_errors=10 * (len(self.train) + len(self.dev)) + 100, track_usage=False, disable_history=True,
        ):  # fmt: skip
            improved = module.improve(student.task(asked, effort, seed, self._n_threads))
        made, advice, n_shown = student.exported(improved)
        if (made.messages, made.user) == (prompt.messages, prompt.user):
            gain = undefined("optimise.gain", "the optimiser left the prompt as it was")
            return Outcome(self.call, gain, 0, 0, False, "the optimiser left the prompt as it was"), prompt
        after = self._judged(replace(self.program, prompts={**self.program.prompts, self.call: made}), self.dev)
        return replace(self._held_to_dev(before, after), advice=advice, n_demonstrations=n_shown), made

    def calibrate(self) -> tuple[Outcome, dict[str, Calibrator]]:
        """Calibrators of the call's criteria, and whether dev shows them to be better."""
        usable = [c for c in self._criteria if c.scale.has_points and c.scale.kind != "interval" and not c.scale.compares]
        if not usable:
            raise InputError(
                f"{self.call}: {ISOTONIC} needs a scale that rates one response, with listed levels that are in order"
            )
        on_train = self._judged(self.program, self.train)
        learned = self._fit(usable, self.train, on_train)
        folds = {unit: i % FOLDS for i, unit in enumerate(sorted({one.item.unit for one in self.train}))}
        crossed: list[Mapping[str, Judgment]] = [dict(said) for said in on_train]
        for fold in range(FOLDS):
            inside = [i for i, one in enumerate(self.train) if folds[one.item.unit] == fold]
            others = [i for i, one in enumerate(self.train) if folds[one.item.unit] != fold]
            fitted = self._fit(usable, [self.train[i] for i in others], [on_train[i] for i in others])
            held = replace(self.program, calibrators=fitted)
            for i in inside:
                crossed[i] = {name: held.recalibrated(name, said) for name, said in on_train[i].items()}
        cross_fitted = self._gain(self.train, on_train, crossed).renamed("optimise.cross_fitted_gain")
        calibrated = replace(self.program, calibrators=learned)
        before = self._judged(self.program, self.dev)
        after = [{name: calibrated.recalibrated(name, said) for name, said in one.items()} for one in before]
        return replace(self._held_to_dev(before, after), cross_fitted=cross_fitted), learned

    def _fit(
        self, criteria: Sequence[Criterion], labelled: Sequence[Labelled], judged: Sequence[Mapping[str, Judgment]]
    ) -> dict[str, Calibrator]:
        found: dict[str, Calibrator] = {}
        for criterion in criteria:
            pairs = [
                (criterion.scale.code(value), one.said[criterion.id])
                for one, said in zip(labelled, judged, strict=True)
                if criterion.id in one.said and not isinstance(value := said[criterion.id].value, Missing | None)
            ]
            if len(pairs) >= FEWEST:
                found[criterion.id] = fit_calibrator([code for code, _ in pairs], [said for _, said in pairs], criterion.scale)
        return found

    def _held_to_dev(self, before: Sequence[Mapping[str, Judgment]], after: Sequence[Mapping[str, Judgment]]) -> Outcome:
        gain = self._gain(self.dev, before, after)
        lost_plain, lost_improved = (self._n_lost(judged) for judged in (before, after))
        if lost_improved > lost_plain:
            reason = f"{lost_improved:,} ratings of dev are missing, and {lost_plain:,} by the plain program"
        elif not gain.low > 0:
            reason = "dev does not show a gain: its interval reaches to 0 or below" if gain.low == gain.low else gain.method
        else:
            reason = ""
        return Outcome(self.call, gain, lost_plain, lost_improved, not reason, reason)

    def _n_lost(self, judged: Sequence[Mapping[str, Judgment]]) -> int:
        return sum(
            isinstance(said[name].value, Missing) and said[name].value.reason != "not_applicable"  # type: ignore[union-attr]
            for one, said in zip(self.dev, judged, strict=True)
            for name in one.said
        )

    def _gain(
        self, labelled: Sequence[Labelled], before: Sequence[Mapping[str, Judgment]], after: Sequence[Mapping[str, Judgment]]
    ) -> Estimate:
        pairs = [
            (one.item.unit, self._agreement(one, second) - self._agreement(one, first))
            for one, first, second in zip(labelled, before, after, strict=True)
        ]
        both = [(unit, value) for unit, value in pairs if value == value]
        known: dict[str, Any] = {
            "n_items": len(both), "n_missing": len(pairs) - len(both), "level": self._confidence, "source": SOURCE,
        }  # fmt: skip
        if not both:
            return undefined("optimise.gain", "no item was rated by both programs", **known)
        units, codes = np.unique([unit for unit, _ in both], return_inverse=True)
        mean: ClusteredMean = mean_by_unit(np.array([value for _, value in both]), codes, len(units))
        low, high, se, p_value, trouble = mean.interval(self._confidence)
        method = "; ".join(filter(None, ["mean difference of agreement on the same items", "t interval over scenarios", trouble]))
        return Estimate(
            "optimise.gain", mean.value, low, high, se=se, p_value=p_value, n_clusters=len(units), method=method, **known
        )  # fmt: skip

    def _agreement(self, one: Labelled, judged: Mapping[str, Judgment]) -> float:
        """The mean over the criteria that humans and judge rated; nan where there is none."""
        found = [
            _of_judgment(criterion, judged[criterion.id], one)
            for criterion in self._criteria
            if criterion.id in one.said and not isinstance(judged[criterion.id].value, Missing)
        ]
        return float(np.mean(found)) if found else float("nan")

    def _judged(self, program: JudgeProgram, labelled: Sequence[Labelled]) -> list[dict[str, Judgment]]:
        """What a program says of items, at temperature 0, of two responses in both orders; each reply is that of judging."""
        prompt = program.prompts[self.call]

        def judge(one: Labelled) -> dict[str, Judgment]:
            if not prompt.is_pair:
                return said_of(one.item)
            as_written, swapped = said_of(one.item), said_of(one.item.swapped)
            return {c.id: of_both_orders(as_written[c.id], swapped[c.id], c.scale) for c in self._criteria}

        def said_of(item: Item) -> dict[str, Judgment]:
            body = self._model.body(prompt.render(item), prompt.schema, dict(program.sampling), 0, 1)
            reply = self._ask(self._model, body, 0)
            if isinstance(reply, Missing):
                if reply.reason == "over_budget":
                    raise StopAsking(reply.detail)
                return {criterion.id: Judgment(reply) for criterion in self._criteria}
            return {criterion.id: program.parse(criterion.id, reply) for criterion in self._criteria}

        with ThreadPoolExecutor(self._n_threads) as pool:
            return list(pool.map(judge, labelled))


def criteria_of(program: JudgeProgram, call: str) -> list[Criterion]:
    """The criteria that a call rates."""
    return [program.rubric.criterion(name) for name in program.criteria_of(call)]


def _of_judgment(criterion: Criterion, judgment: Judgment, one: Labelled) -> float:
    """Agreement of a judgment that is not missing: of its expected level where it has probabilities."""
    said = one.said[criterion.id]
    if judgment.distribution is None or not criterion.scale.has_points:
        assert not isinstance(judgment.value, Missing | None)
        return agreement(criterion, judgment.value, said)
    codes = {str(level): criterion.scale.code(level) for level in criterion.scale.levels}
    expected = sum(share * codes[level] for level, share in judgment.distribution.items())
    return 1 - ((expected - said.mean) / criterion.scale.span) ** 2


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No word by dspy on stdout, where results go, and no bars of its own."""
    import tqdm  # type: ignore[import-untyped]

    logger, start = logging.getLogger("dspy"), tqdm.tqdm.__init__
    level = logger.level
    logger.setLevel(logging.ERROR)
    tqdm.tqdm.__init__ = functools.partialmethod(start, disable=True)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
        tqdm.tqdm.__init__ = start
