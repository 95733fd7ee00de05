"""What there is to report: made-up ratings of hostile texts by humans and a judge, a made-up run whose gaps were estimated, and
the shipped constructed set. No number here says anything of any judge or system."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import judgefair as jf
from judgefair.estimation import Estimation, estimate, load_estimation
from judgefair.records import Item
from judgefair.rubric.rubric import Rubric
from judgefair.runs.folder import PROGRAM, write_manifest
from judgefair.runs.items import write_items
from judgefair.runs.tables import write_coded
from judgefair.validation import load_validation
from tests.builders import tiny_rubric

HOSTILE = [
    "<script>alert('judged')</script><img src=x onerror=alert(1)>",
    "# A heading\n\n**bold** [link](javascript:alert(1)) | a | b |\n- item `code` ~~gone~~ $x^2$ &lt;b&gt;",
    "]]> <!-- --> </style></dd></article> {{ 7 * 7 }} {% raw %}",
    "bell \x07, escape \x1b[31m red, null \x00, form feed \x0c, delete \x7f, C1 \x9b",
    "lone surrogate \ud800 and pair half \udfff",
    "\u202eright to left override, \u05e9\u05dc\u05d5\u05dd, \u0645\u0631\u062d\u0628\u0627 \u2066isolate",
    '" onmouseover="alert(1)" style="background:url(https://example.org/x)',
    "a" * 5000 + " end",
]
"""Texts that a system under test may have produced, none of which may do anything in a report."""

HARMED, ALIKE, NOISY, UNLABELLED = (
    "<b>Somali</b>, spoken | written",
    "[red]Polish[/red]",
    "Urdu \x1b]0;pwned\x07",
    "Latin & `old`",
)
"""Groups of the made-up run, named for what is planted: a disparity, none, none but noise, and no labels."""


def made_up(hostile: bool = True, n_items: int = 24) -> pd.DataFrame:
    """Made-up ratings from 1 to 5, in three groups of unequal size."""
    rng = np.random.default_rng(4)
    rows = []
    for i in range(n_items):
        level = rng.integers(1, 6)
        for rater in ("a <b>judge</b>" if hostile else "judge", "ann", "bob"):
            group = ("north", "<i>south</i> & west" if hostile else "south", "east | side")[min(2, i % 4)]
            rows.append(
                {
                    "item_id": f"i{i:02}", "rater_id": rater, "value": int(np.clip(level + rng.integers(-1, 2), 1, 5)),
                    "pop.region": group, "query": f"Query {i}.", "response": f"Response {i}.",
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def hostile() -> jf.Validation:
    """Hostile texts and names; the judge is further from the humans on the hostile items than elsewhere."""
    validation = jf.validate_ratings(made_up(), "a <b>judge</b>", "ordinal:1-5", n_resamples=200, as_of="2026-01-01")
    texts = [HOSTILE[i % len(HOSTILE)] for i in range(len(validation.items))]
    items = [replace(item, query=text, response=text) for item, text in zip(validation.items, texts, strict=True)]
    return replace(validation, items=items)


@pytest.fixture(scope="session")
def constructed() -> jf.Validation:
    """The shipped set, whose labels no human gave, judged by a stand-in that reads no meaning."""
    program = jf.compile_judge(jf.load_rubric("writing_tutor"))
    cset = jf.load_calibration_set("writing_tutor_anchors")
    return jf.validate(program, cset, jf.models.scripted("hash"), split="all", n_resamples=200, as_of="2026-01-01")


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a made-up run, judged and with human labels; its gaps are estimated."""
    folder = tmp_path_factory.mktemp("run")
    estimate(judged_run(folder), ratings=human_ratings(), n_resamples=200)
    return folder


@pytest.fixture(scope="session")
def estimated(run: Path) -> tuple[jf.Validation, Estimation]:
    """What was estimated of it."""
    estimation = load_estimation(run)
    assert estimation is not None
    return load_validation(run), estimation


def desk_rubric() -> Rubric:
    """The rubric of the tests, with groups of hostile names: `age` must be used for helpfulness, and may be for talking down."""
    data = tiny_rubric().model_dump()
    groups = {name: {"cues": {"explicit": ["x"]}} for name in ("English", HARMED, ALIKE, NOISY, UNLABELLED)}
    language, age = data["context"]["populations"]
    language = language | {"reference": "English", "groups": groups}
    return Rubric.model_validate(data | {"context": data["context"] | {"populations": [language, age], "scenarios": []}})


N_SCENARIOS = 60


def desk_items() -> list[Item]:
    """Made-up items with hostile texts: in each scenario the same question once for each group of home language."""
    texts = [text.encode("utf-8", "replace").decode() for text in HOSTILE]  # a table holds no half of a surrogate pair
    return [
        Item(
            f"s{s:02}-{k}", texts[(s + k) % len(texts)], texts[(s + 2 * k) % len(texts)],
            {"home_language": group, "age": "child" if s % 2 else "adult"}, f"s{s:02}",
        )
        for s in range(N_SCENARIOS)
        for k, group in enumerate(desk_rubric().context.populations[0].groups)
    ]  # fmt: skip


def levels() -> Iterator[tuple[Item, str, int, int]]:
    """Item, criterion, and the levels of judge and humans: the judge makes half of the gap of one group worse."""
    rng = np.random.default_rng(7)
    for item in desk_items():
        group, scenario = item.populations["home_language"], int(item.unit[1:])
        level = 1 + (item.populations["age"] == "child")
        human = level - (group == HARMED) + (rng.choice([-1, 0, 0, 0, 0, 1]) if group == NOISY else 0)
        judge = human - (group == HARMED and scenario % 3 == 0) + (rng.random() < 0.15)
        yield item, "helpfulness", int(np.clip(judge, 0, 3)), int(np.clip(human, 0, 3))
        talks = (scenario // 4) % 3 == 0
        yield item, "talks_down", int(talks), int(talks)


def judged_run(folder: Path) -> Path:
    """A run folder as the judge stage leaves it; two items were refused and one reply could not be read."""
    program = jf.compile_judge(desk_rubric())
    program.save(folder / PROGRAM)
    items = desk_items()
    write_items(items, folder)
    lost = {items[1].item_id: "refused", items[6].item_id: "refused", items[13].item_id: "unparsable"}
    rows = [
        {
            "item_id": item.item_id, "criterion": criterion, "rater_id": "a <b>judge</b>", "rater_kind": "judge", "replicate": 0,
            "code": np.nan if item.item_id in lost else float(judge), "expected": np.nan,
            "missing": lost.get(item.item_id, ""), "rationale": f"Since {item.response[:60]}",
        }
        for item, criterion, judge, _ in levels()
    ]  # fmt: skip
    scales = {criterion.id: criterion.scale for criterion in program.rubric.criteria}
    write_coded(pd.DataFrame(rows), scales, folder)
    manifest = {
        "stage": "judge", "program": program.fingerprint, "model": {"name": "a <b>judge</b>", "server": "no server"},
        "items": {"n": len(items), "fingerprint": "f" * 64},
    }  # fmt: skip
    write_manifest(folder, manifest, "2026-01-01")
    return folder


def human_ratings() -> pd.DataFrame:
    """Three made-up raters who differ now and then: all items but those of one group, and of another the half."""
    rng = np.random.default_rng(11)
    rows = []
    for item, criterion, _, human in levels():
        group, top = item.populations["home_language"], 3 if criterion == "helpfulness" else 1
        if group == UNLABELLED or (group == NOISY and int(item.unit[1:]) >= N_SCENARIOS // 2):
            continue
        for rater, tongue in (("ann", "English"), ("bob", "<i>other</i>"), ("cem", "<i>other</i>")):
            value = int(np.clip(human + (rng.random() < 0.08) * rng.choice([-1, 1]), 0, top))
            rows.append(
                {"item_id": item.item_id, "criterion": criterion, "rater_id": rater, "value": value, "rater.tongue": tongue}
            )
    return pd.DataFrame(rows)
