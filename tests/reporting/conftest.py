"""Validations to report: made-up ratings of hostile texts by two humans and a judge, and the shipped constructed set."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import judgefair as jf

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
