"""Is every block whole or dropped, every rejected render kept with its reason, and nothing asked twice?"""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from judgefair.errors import InputError
from judgefair.models.budget import Budget
from judgefair.models.model import Body, Model, Post
from judgefair.models.policy import RetryPolicy
from judgefair.records import Query
from judgefair.rubric import load_rubric
from judgefair.rubric.rubric import Rubric
from judgefair.runs.queries import QUERIES, read_queries
from judgefair.runs.simulate_stage import simulate
from judgefair.simulate import Design, plan, render_template
from judgefair.simulate.gates import LIMITS

PUNE = "dialect=indian_english, situation"
OFF_TOPIC = "Could you please tell me when the library in our street opens on Sundays, and whether I may bring a friend along?"
GIVEN = re.compile(r"<given_text>\n(.*?)\n</given_text>", re.DOTALL)


@cache
def rubric() -> Rubric:
    return load_rubric("writing_tutor")


@cache
def design(n_scenarios: int = 3) -> Design:
    """Six arms: neutral, three dialects told by where somebody is from, and two placebos of the reference."""
    return plan(rubric(), n_scenarios, axes=["dialect"], cues=["situation"])


class Says(Model):
    """Answers each request with the fields that a function of its given texts and its seed returns; text stands as it is."""

    has_latency = False

    def __init__(self, answer: Callable[[list[str], int], Any], name: str = "scripted:writer") -> None:
        self.name = self.server = name
        self.bodies: list[Body] = []
        self._answer = answer

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Post]:
        async def post(body: Body) -> dict[str, Any]:
            self.bodies.append(body)
            said = self._answer(GIVEN.findall(body["messages"][-1]["content"]), body["seed"])
            content = said if isinstance(said, str) else json.dumps(said)
            return {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": content}}], "usage": {}}

        yield post


def writer(spoils: Callable[[str, str, int], bool] = lambda _message, _shows, _seed: False) -> Says:
    """Puts the cue before the message, and something else where it spoils it."""

    def answer(given: list[str], seed: int) -> dict[str, str]:
        message, shows, _ = given
        return {"rewritten": f"{shows} {OFF_TOPIC if spoils(message, shows, seed) else message}"}

    return Says(answer)


def shows_pune(message: str, shows: str, _seed: int) -> bool:
    """One arm of one block."""
    return "Pune" in shows and message == design().blocks[0].turns[0]


def simulated(run: Path, **options: Any) -> list[Query]:
    return simulate(rubric(), options.pop("design", design()), run, use_cache=options.pop("use_cache", False), **options)


def by_block(queries: list[Query]) -> dict[str, list[Query]]:
    blocks: dict[str, list[Query]] = {}
    for query in queries:
        if "-r" not in query.query_id:
            blocks.setdefault(query.block_id, []).append(query)
    return blocks


def reasons(queries: list[Query], block: str) -> Counter[str | None]:
    return Counter(query.rejected_because for query in by_block(queries)[block])


# What a person wrote


def test_a_template_renders_every_arm_as_it_is_and_measures_it(tmp_path: Path) -> None:
    queries = simulated(tmp_path)
    as_written = render_template(design(), rubric().context)
    assert [(q.query_id, q.turns, q.populations) for q in queries] == [(q.query_id, q.turns, q.populations) for q in as_written]
    assert all(query.kept for query in queries)
    assert {gate for query in queries for gate in query.gates} <= set(LIMITS)
    assert all(
        {"language", "intent", "length"} <= query.gates.keys() for query in queries if query.populations and not query.placebo
    )
    assert read_queries(tmp_path) == queries


def test_a_template_loads_nothing_that_asks_a_model(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from judgefair.rubric import load_rubric\n"
        "from judgefair.runs.simulate_stage import simulate\n"
        "from judgefair.simulate import plan\n"
        "rubric = load_rubric('writing_tutor')\n"
        "design = plan(rubric, 2, axes=['dialect'], cues=['situation'])\n"
        "assert len(simulate(rubric, design, pathlib.Path(sys.argv[1]))) == 12\n"
        "print([name for name in ('dspy', 'litellm', 'xllamacpp', 'torch', 'datasets') if name in sys.modules])"
    )
    line = [sys.executable, "-c", code, str(tmp_path)]
    assert subprocess.run(line, capture_output=True, text=True, check=True, timeout=120).stdout == "[]\n"


def test_design_and_manifest_say_what_was_simulated(tmp_path: Path) -> None:
    simulated(tmp_path, as_of="2026-01-05")
    told = json.loads((tmp_path / "design.json").read_text("utf-8"))
    assert (told["blocks"], told["strength"], told["coverage"], told["references"]) == (3, 1, 1.0, {"dialect": "mainstream"})
    assert [arm["name"] for arm in told["arms"]] == [arm.name for arm in design().arms]
    manifest = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    assert (manifest["stage"], manifest["renderer"], manifest["as_of"]) == ("simulate", "template", "2026-01-05")
    assert manifest["rubric"]["fingerprint"] == rubric().fingerprint


def test_in_a_dialogue_the_user_has_a_goal_with_the_facts(tmp_path: Path) -> None:
    queries = simulated(tmp_path, dialogue=3)
    blocks = {block.block_id: block for block in design().blocks}
    for query in queries:
        block = blocks[query.block_id]
        assert query.goal is not None
        assert query.goal.startswith(block.intent)
        assert all(f"{name}: {value}" in query.goal for name, value in block.facts.items())


# Whole blocks


def test_an_arm_that_never_comes_to_be_takes_its_block_with_it_and_no_other(tmp_path: Path) -> None:
    asked = []

    def fails(query_id: str, attempt: int) -> bool:
        asked.append((query_id, attempt))
        return query_id == "b0001-a003"

    queries = simulated(tmp_path, fails=fails, rerenders=2)
    assert reasons(queries, "b0001") == {"render": 1, f"block: render of {PUNE}": 5}
    assert reasons(queries, "b0000") == reasons(queries, "b0002") == {None: 6}
    assert [attempt for query_id, attempt in asked if query_id == "b0001-a003"] == [0, 1, 2]
    assert Counter(attempt for _, attempt in asked) == {0: 18, 1: 1, 2: 1}  # only what failed is rendered again
    assert [(q.query_id, q.rejected_because) for q in queries if "-r" in q.query_id] == [
        ("b0001-a003-r0", "render"), ("b0001-a003-r1", "render")
    ]  # fmt: skip


def test_an_arm_that_comes_to_be_within_the_budget_of_renders_keeps_its_block(tmp_path: Path) -> None:
    queries = simulated(tmp_path, fails=lambda query_id, attempt: query_id == "b0001-a003" and attempt < 2, rerenders=2)
    assert all(reasons(queries, block) == {None: 6} for block in ("b0000", "b0001", "b0002"))
    assert [query.query_id for query in queries if not query.kept] == ["b0001-a003-r0", "b0001-a003-r1"]


def test_without_rerenders_one_failure_is_enough(tmp_path: Path) -> None:
    queries = simulated(tmp_path, fails=lambda query_id, attempt: query_id == "b0001-a003" and attempt == 0, rerenders=0)
    assert reasons(queries, "b0001") == {"render": 1, f"block: render of {PUNE}": 5}
    assert len(queries) == 18


# What a model writes


def test_a_model_rewrites_every_arm_but_neutral_and_placebos_as_another_sample(tmp_path: Path) -> None:
    model = writer()
    queries = simulated(tmp_path, renderer=model, rerenders=1)
    assert all(query.kept for query in queries)
    assert len(model.bodies) == 3 * 5
    assert Counter(body["seed"] for body in model.bodies) == {0: 3 * 3, 2: 3 * 2}
    for block, own in zip(design().blocks, by_block(queries).values(), strict=True):
        neutral, *others = own
        assert (neutral.turns, neutral.generator) == (block.turns, "template")
        assert all(query.generator == "scripted:writer" and query.text.endswith(neutral.text) for query in others)


def test_a_render_that_fails_a_gate_is_asked_again_as_another_sample(tmp_path: Path) -> None:
    model = writer(lambda message, shows, seed: seed == 0 and shows_pune(message, shows, seed))
    queries = simulated(tmp_path, renderer=model)
    assert all(counts == {None: 6} for counts in (reasons(queries, block) for block in by_block(queries)))
    (rejected,) = [query for query in queries if not query.kept]
    assert (rejected.query_id, rejected.rejected_because) == ("b0000-a003-r0", "intent")
    assert OFF_TOPIC in rejected.text
    assert rejected.gates["intent"] < LIMITS["intent"].low
    assert len(model.bodies) == 15 + 1


def test_one_that_fails_to_the_last_drops_its_block_and_all_its_renders_stay_in_the_table(tmp_path: Path) -> None:
    model = writer(shows_pune)
    simulated(tmp_path, renderer=model, rerenders=2)
    queries = read_queries(tmp_path)
    assert reasons(queries, "b0000") == {"intent": 1, f"block: intent of {PUNE}": 5}
    assert reasons(queries, "b0001") == reasons(queries, "b0002") == {None: 6}
    mine = [query for query in queries if query.query_id.startswith("b0000-a003")]
    assert [query.query_id for query in mine] == ["b0000-a003", "b0000-a003-r0", "b0000-a003-r1"]
    assert all(query.rejected_because == "intent" and OFF_TOPIC in query.text for query in mine)
    spoilt = [body["seed"] for body in model.bodies if shows_pune(*_given(body), 0)]
    assert spoilt == [0, 1, 2]


def test_a_reply_that_is_none_is_rejected_as_no_render(tmp_path: Path) -> None:
    good = writer()._answer
    model = Says(lambda given, seed: "sorry" if shows_pune(given[0], given[1], seed) else good(given, seed))
    queries = simulated(tmp_path, renderer=model, rerenders=1)
    assert reasons(queries, "b0000") == {"render": 1, f"block: render of {PUNE}": 5}


def test_a_neutral_query_that_fails_is_not_put_down_as_rendered_again(tmp_path: Path) -> None:
    # Made-up words are of no language, and nobody rewrites what the rubric's author wrote.
    scenario = {"id": "odd", "intent": "Ask", "turns": ["Zxq wvrt plkj hgfd mnbv qwrt zzxc."]}
    context = rubric().context.model_copy(
        update={"scenarios": [type(rubric().context.scenarios[0]).model_validate(scenario), *rubric().context.scenarios]}
    )
    odd = rubric().model_copy(update={"context": context})
    queries = simulate(odd, plan(odd, 3, axes=["dialect"], cues=["situation"]), tmp_path, renderer=writer(), use_cache=False)
    of_neutral = [query for query in queries if query.arm == "neutral" and query.scenario_id == "odd"]
    assert [(query.query_id[-5:], query.rejected_because) for query in of_neutral] == [("-a000", "language")]


def test_what_a_checker_reads_takes_the_place_of_word_counts(tmp_path: Path) -> None:
    def reads(given: list[str], _seed: int) -> dict[str, str]:
        if len(given) == 1:  # who wrote it
            group = (
                "indian_english" if "India" in given[0] else "african_american_english" if "Black" in given[0] else "mainstream"
            )
            return {"group": group}
        lost = "Pune" in given[1] and given[0] == design().blocks[0].turns[0]
        return {"same_request": "yes", "facts_kept": "no" if lost else "yes", "facts_added": "no"}

    reader = Says(reads, "scripted:reader")
    queries = simulated(tmp_path, renderer=writer(), reader=reader, rerenders=0)
    assert reasons(queries, "b0000") == {"facts": 1, f"block: facts of {PUNE}": 5}
    rewritten = [query for query in queries if query.populations]
    assert {(query.gates["intent"], query.gates["cue"]) for query in rewritten} == {
        (1.0, 3.0)
    }  # three groups, and surely this one
    asked = [GIVEN.findall(body["messages"][-1]["content"]) for body in reader.bodies]
    texts = {query.text for query in rewritten}
    assert {given[-1] for given in asked if len(given) == 2} == {given[0] for given in asked if len(given) == 1} == texts


# Nothing twice


def test_a_second_run_asks_nothing_and_writes_the_same_bytes(tmp_path: Path) -> None:
    first, second = writer(shows_pune), writer(shows_pune)
    simulated(tmp_path, renderer=first)
    written = (tmp_path / QUERIES).read_bytes()
    seen = []
    simulated(tmp_path, renderer=second, on_progress=lambda progress: seen.append((progress.done, progress.reused)))
    assert len(first.bodies) == 15 + 2
    assert second.bodies == []
    assert (tmp_path / QUERIES).read_bytes() == written
    assert seen[-1] == (18, 17)


def test_concurrency_changes_no_byte(tmp_path: Path) -> None:
    for concurrency in (1, 8):
        simulated(tmp_path / str(concurrency), renderer=writer(shows_pune), concurrency=concurrency)
    assert (tmp_path / "1" / QUERIES).read_bytes() == (tmp_path / "8" / QUERIES).read_bytes()


def test_a_budget_ends_the_asking_and_a_larger_one_goes_on_from_there(tmp_path: Path) -> None:
    model, missing = writer(), Counter[str]()
    options = {"renderer": model, "concurrency": 1, "rerenders": 0, "policy": RetryPolicy(1)}
    queries = simulated(tmp_path, **options, budget=Budget(7), on_progress=lambda progress: missing.update(progress.missing))
    assert len(model.bodies) == 7
    assert missing["over_budget"] > 0
    assert [reasons(queries, block)[None] for block in by_block(queries)] == [6, 0, 0]
    assert all(query.kept for query in simulated(tmp_path, **options, budget=Budget(8)))
    assert len(model.bodies) == 15


def test_no_worker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="concurrency is 0"):
        simulated(tmp_path, concurrency=0)


def _given(body: Body) -> tuple[str, str]:
    message, shows, _ = GIVEN.findall(body["messages"][-1]["content"])
    return message, shows
