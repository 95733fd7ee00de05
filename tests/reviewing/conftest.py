"""Made-up runs to look through and to rate, and a client that was given the key. No number here says anything of any judge."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from judgefair.records import Item
from judgefair.reviewing import review_app
from judgefair.reviewing.app import Prefilled
from judgefair.reviewing.guard import Keys
from tests.builders import JUDGE, armed_items, planted_ratings, planted_rubric, planted_validation, rated_as
from tests.reporting.conftest import HOSTILE

PORT = 8123
GROUPS = ("northern", "southern")
ANCHORED = {"kind": "ordinal", "levels": {1: "low", **dict.fromkeys(range(2, 7)), 7: "high"}}
STRICT = {"min_alpha_ratio": 0.8, "alt_test_epsilon": 0.15, "max_judge_error_gap": 0.05, "max_unparsable_rate": 0.02}
RUBRIC = planted_rubric(*GROUPS, scale=ANCHORED, validity=STRICT)
SCALES = {"depth": RUBRIC.criterion("depth").scale}
CONTROL = "south\x1b[31mern"
Client = Callable[..., TestClient]


def items_to_review(n_blocks: int = 30) -> list[Item]:
    """Arms of both groups, a neutral one and a placebo in each block; every fifth answer is hostile."""
    items = armed_items(n_blocks, [{"dialect": group} for group in reversed(GROUPS)])  # not in declared order
    return [replace(item, response=HOSTILE[k // 5 % len(HOSTILE)]) if k % 5 == 0 else item for k, item in enumerate(items)]


@pytest.fixture(scope="session")
def examined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 120 items with labels of two people for some, held against its gate; two replies could not be read."""
    folder = tmp_path_factory.mktemp("examined") / "run"
    items = items_to_review()
    ratings = planted_ratings(items, judge_made={"southern": -1.5}, labelled=20)
    ratings.loc[
        (ratings["rater_id"] == JUDGE) & ratings["item_id"].isin([items[3].item_id, items[9].item_id]), ["code", "expected"]
    ] = None
    ratings.loc[ratings["code"].isna(), "missing"] = "unparsable"
    planted_validation(folder, RUBRIC, items, ratings)
    return folder


@pytest.fixture
def run(examined: Path, tmp_path: Path) -> Path:
    """A copy that a test may write to."""
    return Path(shutil.copytree(examined, tmp_path / "run"))


@pytest.fixture
def client() -> Client:
    """A browser that was given the key of a run's page."""

    def of(run: Path, prefilled: Prefilled | None = None) -> TestClient:
        keys = Keys(PORT)
        asking = TestClient(review_app(run, keys, prefilled), base_url=f"http://127.0.0.1:{PORT}")
        asking.cookies.set(*keys.cookie.partition(";")[0].split("=", 1))
        asking.form_token = keys.form_token  # type: ignore[attr-defined]
        return asking

    return of


def judged_only(items: list[Item], level: float = 4.0):
    """A judge's ratings, all of one level."""
    return rated_as(items, {JUDGE: [level] * len(items)})
