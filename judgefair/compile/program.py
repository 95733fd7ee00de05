"""How exactly is a rubric judged? A program of plain JSON, rendered and parsed without dspy."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from judgefair.compile.calibrator import Calibrator, calibrated
from judgefair.compile.export import Messages, fill
from judgefair.compile.fence import fence
from judgefair.compile.parse import NOT_APPLICABLE, Judgment, Unparsable, level_probabilities, read_fields, read_level, refusal
from judgefair.errors import InputError, ProgramError
from judgefair.fingerprint import fingerprint
from judgefair.models.reply import Reply, needs_tokens
from judgefair.records import Item, Missing, sendable
from judgefair.rubric.rubric import Rubric

FORMAT = 1
ALL = "*"
SINGLE, PAIR = ("query", "response"), ("query", "first_response", "second_response")
"""Slots of the last message for the judged text: where one response is rated, and where two are compared."""
ONE_RESPONSE = (
    "has one response, and the rubric compares two. Give each item a second_response, or take that of another system's run: "
    "judgefair judge ... --against OTHER/items.parquet"
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What one call sends and what it expects back.

    Attributes
    ----------
    messages : the static messages, demonstrations included; the same for every item.
    user : the last message in pieces: text, and the slots of `SINGLE` or `PAIR` for the judged text.
    schema : JSON schema of the reply.
    demonstrations : examples shown to the judge, as data.
    labels : in distribution mode, the one-token label of each level, in order; empty otherwise.
    """

    messages: Messages
    user: Sequence[Mapping[str, str]]
    schema: dict[str, Any]
    demonstrations: Sequence[Mapping[str, Any]] = ()
    labels: Sequence[Any] = ()

    def render(self, item: Item) -> Messages:
        """The messages for one item; the judged text is fenced and appears nowhere else. Of a pair, `response` is shown first."""
        return [*self.messages, {"role": "user", "content": self.last_message(item)}]

    def last_message(self, item: Item) -> str:
        """What the last message says; all others are the same for every item."""
        try:
            return fill(self.user, slots_of(item))["content"]
        except KeyError:
            raise InputError(f"item '{item.item_id}' {ONE_RESPONSE}") from None

    @property
    def is_pair(self) -> bool:
        """Whether it shows two responses."""
        return any(piece.get("slot") == PAIR[-1] for piece in self.user)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "messages": list(self.messages),
            "user": [dict(piece) for piece in self.user],
            "schema": self.schema,
            "demonstrations": [dict(demonstration) for demonstration in self.demonstrations],
            "labels": list(self.labels),
        }


@dataclass(frozen=True, slots=True)
class JudgeProgram:
    """A compiled rubric. `compile_judge` makes one; `save` and `load_program` keep it as JSON.

    Attributes
    ----------
    rubric : the rubric it was made from, whole, so that reports can state their scope.
    prompts : one for each criterion, or one under `*` that asks for all criteria.
    sampling : max_tokens, seed, replicate_temperature, top_logprobs.
    made_by : optimizer, its arguments, fingerprints of train and dev, number of looks.
    libraries : versions that shaped the prompts.
    calibrators : by criterion, what humans say where the judge gives a level; its ratings then carry that distribution.
    """

    rubric: Rubric
    prompts: Mapping[str, Prompt]
    sampling: Mapping[str, Any]
    made_by: Mapping[str, Any]
    libraries: Mapping[str, str]
    calibrators: Mapping[str, Calibrator] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """sha256 of everything the program does."""
        return fingerprint(self._content())

    @property
    def mode(self) -> str:
        """score, reason_then_score or distribution."""
        return self.rubric.judging.mode

    @property
    def n_calls(self) -> int:
        """How many requests judge one item once; two responses are compared in both orders."""
        return sum(1 + prompt.is_pair for prompt in self.prompts.values())

    def render(self, item: Item) -> dict[str, Messages]:
        """The messages that judge an item, by criterion; one key `*` where one call asks for all criteria.

        >>> from judgefair.compile import compile_judge
        >>> from judgefair.rubric import load_rubric
        >>> messages = compile_judge(load_rubric("hateful_content")).render(Item("i", "", "A post."))
        >>> [message["role"] for message in messages["hateful"]]
        ['system', 'user']
        """
        return {key: prompt.render(item) for key, prompt in self.prompts.items()}

    def criteria_of(self, key: str) -> list[str]:
        """The criteria that the call of that key rates."""
        return [criterion.id for criterion in self.rubric.criteria] if key == ALL else [key]

    def parse(self, criterion: str, reply: Reply | str) -> Judgment:
        """What a reply says about one criterion; anything but an exact answer is Missing, with the reason.

        Parameters
        ----------
        criterion : id of a criterion; under `criteria_per_call: all` the same reply is parsed for each.
        reply : a Reply, or its text alone (then taken to have stopped by itself).

        Raises
        ------
        KeyError : the rubric has no such criterion.
        ModelError : mode `distribution`, and the reply carries no log-probabilities.
        """
        reply = Reply(reply) if isinstance(reply, str) else reply
        asked = self.rubric.criterion(criterion)
        key, level_name, rationale_name = self._names(criterion)
        prompt = self.prompts[key]
        if (refused := refusal(reply)) is not None:
            return Judgment(refused)
        try:
            fields = read_fields(reply, list(prompt.schema["properties"]))
            rationale = None
            if rationale_name in fields:
                if not isinstance(fields[rationale_name], str):
                    raise Unparsable(f"{rationale_name} is no text")
                rationale = sendable(fields[rationale_name])
            if not prompt.labels:
                return self.recalibrated(criterion, Judgment(read_level(fields[level_name], asked), rationale))
            return self.recalibrated(criterion, self._parse_distribution(prompt, criterion, fields[level_name], reply))
        except Unparsable as error:
            return Judgment(Missing("unparsable", str(error)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the program as JSON, whole or not at all."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.partial")
        content = {**self._content(), "fingerprint": self.fingerprint}
        partial.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
        partial.replace(target)

    def _parse_distribution(self, prompt: Prompt, criterion: str, said: Any, reply: Reply) -> Judgment:
        levels = [*self.rubric.criterion(criterion).scale.levels, NOT_APPLICABLE][: len(prompt.labels)]
        if not any(type(said) is type(label) and said == label for label in prompt.labels):
            raise Unparsable(f"level {said!r} is not one of {', '.join(map(str, prompt.labels))}")
        shares = level_probabilities(reply.text, needs_tokens(reply, f"judge of {criterion}"), said, prompt.labels)
        chances = {level: shares[label] for level, label in zip(levels, prompt.labels, strict=True)}
        none = chances.pop(NOT_APPLICABLE, 0.0)
        modal = max(chances, key=lambda level: chances[level])
        if none > chances[modal]:
            return Judgment(Missing("not_applicable", "the judge says that the criterion does not apply"))
        return Judgment(modal, distribution={str(level): share / (1 - none) for level, share in chances.items()})

    def recalibrated(self, criterion: str, judgment: Judgment) -> Judgment:
        """What humans say where the judge says this, with the level they most often give; the same where nothing was learned."""
        calibrator = self.calibrators.get(criterion)
        if calibrator is None or isinstance(judgment.value, Missing):
            return judgment
        chances = calibrated(calibrator, judgment.distribution or {str(judgment.value): 1.0})
        levels = {str(level): level for level in self.rubric.criterion(criterion).scale.levels}
        return Judgment(levels[max(chances, key=lambda level: chances[level])], judgment.rationale, chances)

    def _names(self, criterion: str) -> tuple[str, str, str]:
        """Key of the call, and the names of level and rationale in its reply."""
        return (ALL, criterion, f"{criterion}_rationale") if ALL in self.prompts else (criterion, "level", "rationale")

    def _content(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "rubric": self.rubric.model_dump(mode="json"),
            "rubric_fingerprint": self.rubric.fingerprint,
            "mode": self.mode,
            "criteria_per_call": self.rubric.judging.criteria_per_call,
            "prompts": {key: prompt.to_json() for key, prompt in self.prompts.items()},
            "sampling": dict(self.sampling),
            "made_by": dict(self.made_by),
            "libraries": dict(self.libraries),
            # left out of plain programs, whose fingerprints are older than this part
            **({"calibrators": {name: dict(table) for name, table in self.calibrators.items()}} if self.calibrators else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], rubric: Rubric) -> Self:
        """The program that `_content` describes."""
        prompts = {key: Prompt(**prompt) for key, prompt in data["prompts"].items()}
        return cls(rubric, prompts, data["sampling"], data["made_by"], data["libraries"], data.get("calibrators", {}))


def slots_of(item: Item) -> dict[str, str]:
    """By slot, the judged text that it shows, fenced."""
    shown = {"query": fence(item.query), "response": fence(item.response)}
    if item.second_response is not None:
        shown |= {"first_response": shown["response"], "second_response": fence(item.second_response)}
    return shown


def load_program(path: str | os.PathLike[str], rubric: Rubric | None = None) -> JudgeProgram:
    """Read a program that `save` wrote.

    Parameters
    ----------
    rubric : where given, the program must have been made from exactly this rubric.

    Raises
    ------
    ProgramError : not a program, of another format, edited after it was written, or of another rubric.
    """
    try:
        data = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise ProgramError(
            f"{path}: cannot be read ({error.strerror}). Write one with: judgefair compile RUBRIC --out {path}"
        ) from None
    except ValueError as error:
        raise ProgramError(f"{path}: not JSON ({error}). Write it again with: judgefair compile RUBRIC --out {path}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ProgramError(
            f"{path}: not a judge program of format {FORMAT}. Write it again with: judgefair compile RUBRIC --out {path}"
        )
    try:
        made_from = Rubric.model_validate(_dates_are_text(data["rubric"]))
        program = JudgeProgram.from_json(data, made_from)
        does, says = program.fingerprint, fingerprint({name: part for name, part in data.items() if name != "fingerprint"})
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ProgramError(
            f"{path}: a part is missing or wrong ({type(error).__name__}: {error}). Compile the rubric again"
        ) from None
    for written, is_now, what in (
        (data.get("rubric_fingerprint"), made_from.fingerprint, "its rubric"),
        (data.get("fingerprint"), does, "the program"),
        (data.get("fingerprint"), says, "the program"),
    ):
        if written != is_now:
            raise ProgramError(
                f"{path}: {what} was changed after compiling (fingerprint {is_now[:12]}, written {str(written)[:12]}). "
                "Compile the rubric again"
            )
    if rubric is not None and rubric.fingerprint != made_from.fingerprint:
        raise ProgramError(
            f"{path}: made from {made_from.id} {made_from.version} ({made_from.fingerprint[:12]}), not from {rubric.id} "
            f"{rubric.version} ({rubric.fingerprint[:12]}). Compile that rubric again"
        )
    return program


def _dates_are_text(rubric: Any) -> Any:
    """JSON has no dates; the strict rubric wants them."""
    import datetime

    asked = rubric["participation"]
    if isinstance(asked, str):
        return rubric
    return {**rubric, "participation": [{**entry, "date": datetime.date.fromisoformat(entry["date"])} for entry in asked]}
