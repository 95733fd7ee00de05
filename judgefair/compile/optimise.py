"""Which prompt, or which reading of the judge's levels, agrees better with humans? Learned on train, held to dev."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from judgefair import plugins
from judgefair.calibration.calibration_set import CalibrationSet
from judgefair.compile.dspy_bridge import Ask
from judgefair.compile.export import libraries
from judgefair.compile.improving import ISOTONIC, Call, Outcome, criteria_of
from judgefair.compile.labelled import labelled_items
from judgefair.compile.optimizers._task import Effort
from judgefair.compile.program import JudgeProgram
from judgefair.errors import InputError
from judgefair.models.model import Model


@dataclass(frozen=True, slots=True)
class Optimised:
    """The program, improved in the calls where dev shows it, and what became of each."""

    program: JudgeProgram
    outcomes: Sequence[Outcome]


def known_optimizers() -> list[str]:
    """Names of all optimisers."""
    return sorted([*plugins.names("optimizers"), ISOTONIC])


def optimise_program(
    program: JudgeProgram,
    train: CalibrationSet,
    dev: CalibrationSet,
    model: Model,
    ask: Ask,
    *,
    optimizer: str,
    reflection: Model | None = None,
    effort: Effort = "light",
    seed: int = 0,
    n_threads: int = 8,
    looks: int = 0,
    confidence: float = 0.95,
    tell: Callable[[str], None] = lambda _: None,
) -> Optimised:
    """Improve each call of a program by what humans said of train, and keep what dev shows to be better.

    The rubric's words stay as they are: an optimiser adds advice and demonstrations, or learns to read the judge's levels.

    Parameters
    ----------
    program : a plain one, as `compile_judge` makes it.
    train, dev : splits of one calibration set; test items are refused.
    ask : puts a request to a model, journals and budgets it; called from several threads.
    reflection : the model that proposes words, for optimisers that need one.
    looks : how often the set's test split has been looked at so far; kept with the program.
    tell : called with what is being done.

    Raises
    ------
    InputError : a split that is locked, too few labelled items, no such optimiser, no reflection model, or a program that was
        optimised already.
    StopAsking : the budget allows no further call.
    """
    if program.made_by.get("optimizer") is not None:
        raise InputError(
            f"the program was made by {program.made_by['optimizer']} already. Start from the plain one: compile the rubric"
        )
    if optimizer not in known_optimizers():
        plugins.load("optimizers", optimizer)  # says what is known
    module = None if optimizer == ISOTONIC else plugins.load("optimizers", optimizer)
    if module is not None and module.NEEDS_REFLECTION and reflection is None:
        raise InputError(f"{optimizer} has a second model propose words. Name it with --reflection-model")
    outcomes, prompts, calibrators = [], dict(program.prompts), dict(program.calibrators)
    for call in program.prompts:
        work = Call(program, call, labelled_items(train, criteria_of(program, call)), labelled_items(dev, criteria_of(program, call)),
                     model, ask, n_threads, confidence)  # fmt: skip
        tell(f"{optimizer}: {call}, {len(work.train):,} labelled items of train and {len(work.dev):,} of dev")
        if module is None:
            outcome, learned = work.calibrate()
            if outcome.accepted:
                calibrators |= learned
        else:
            outcome, prompt = work.improve(module, reflection, effort, seed)
            if outcome.accepted:
                prompts[call] = prompt
        outcomes.append(outcome)
    made_by = {
        "optimizer": optimizer, "arguments": {"effort": effort, "seed": seed, "reflection": reflection.name if reflection else None},
        "judge": model.name, "set": train.id, "train": train.fingerprint, "dev": dev.fingerprint, "looks": looks,
        "calls": {outcome.call: outcome.to_json() for outcome in outcomes},
    }  # fmt: skip
    made = replace(program, prompts=prompts, calibrators=calibrators, made_by=made_by, libraries=libraries())
    return Optimised(made, outcomes)
