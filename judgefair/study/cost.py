"""What would a study do and cost?"""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from judgefair.calibration import load_calibration_set
from judgefair.compile import JudgeProgram
from judgefair.records import Item
from judgefair.simulate import describe
from judgefair.study.options import TEMPLATE
from judgefair.study.pipeline import Pipeline

MEAN_TOKENS_OF_ANSWER = 200
"""What a dry run takes an answer to be; the price it tells says so."""


def price(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a study would do and cost, without doing it: its design, calls and tokens by model and stage, and money where prices are known."""
    work = Pipeline(Path(path), None)
    design, study = work.design, work.study
    n_queries = design.n_queries + len(work.logs)
    answered = n_queries * sum(system.replicates for system in study.systems)
    arms = sum(arm.cue is not None for arm in design.arms)
    calls: dict[tuple[str, str], int] = Counter()
    if study.plan.render != TEMPLATE:
        calls["render", study.plan.render] += arms * len(design.blocks)
        if study.plan.reader:
            calls["check", study.plan.reader] += sum(1 + len(arm.populations) for arm in design.arms if arm.cue) * len(
                design.blocks
            )
    for system, target in zip(study.systems, work.targets, strict=True):
        if system.kind != "recorded":
            turns = sum(len(block.turns) for block in design.blocks) * len(design.arms) + sum(
                len(query.turns) for query in work.logs
            )
            most = turns + n_queries * (study.plan.dialogue - 1)
            calls["respond", str(target.settings.get("model", target.id))] += most * system.replicates
    if study.plan.dialogue > 1 and study.plan.user:
        calls["user", study.plan.user] += answered * (study.plan.dialogue - 1)
    if study.refusals == "judge":
        calls["refusal", study.judges[0].model] += answered
    rated = (
        len(load_calibration_set(work.found(study.calibration.set)).take(study.calibration.split).items)
        if study.calibration.set
        else 0
    )
    for options, program in zip(study.judges, work.programs, strict=True):
        calls["judge", options.model] += answered * program.n_calls
        if rated:
            calls["validate", options.model] += rated * program.n_calls
    characters = _typical_prompt(work.programs[0])
    rows: list[dict[str, Any]] = []
    for (stage, model), n in calls.items():
        tokens = {"input": n * characters // 4, "output": n * MEAN_TOKENS_OF_ANSWER}
        known = study.prices.get(model)
        money = None if known is None else (tokens["input"] * known.input + tokens["output"] * known.output) / 1e6
        rows.append({"stage": stage, "model": model, "calls": n, "tokens": tokens, "price": money})
    unpriced = sorted({row["model"] for row in rows if row["price"] is None})
    return {
        **describe(design, work.rubric), "calls": sum(calls.values()), "by_stage": rows,
        "price": sum(row["price"] for row in rows if row["price"] is not None) if len(unpriced) < len(rows) else None,
        "unpriced": unpriced, "assumed_tokens": {"prompt": characters // 4, "answer": MEAN_TOKENS_OF_ANSWER},
    }  # fmt: skip


def _typical_prompt(program: JudgeProgram) -> int:
    """Characters that one judgment sends, with a short query and response."""
    answer = "r" * 4 * MEAN_TOKENS_OF_ANSWER
    rendered = program.render(Item("i", "q" * 400, answer, second_response=answer))
    return int(np.mean([sum(len(message["content"]) for message in messages) for messages in rendered.values()]))
