"""Do `estimate` and `report` leave on disk what they do not need: texts, rationales, and ratings one by one?"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from judgefair.estimation import estimate, estimator
from judgefair.estimation.carry_over import shift
from judgefair.estimation.sampling import draw_sample
from judgefair.reporting import build_report
from judgefair.runs import items as run_items
from judgefair.runs import tables
from judgefair.runs.facts import read_facts
from judgefair.runs.items import ITEMS
from judgefair.runs.tables import RATINGS
from judgefair.statistics import distribution_shift
from judgefair.validation import load_validation
from tests.builders import planted_items, planted_ratings, planted_rubric, planted_run, planted_validation

FEW, LABELLED = 20, 30
RUBRIC = planted_rubric("a", "b")
TEXTS = {"query", "response"}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """120 items in row groups of 10, the first 30 of each population rated by people; judged three times each."""
    monkeypatch.setattr(run_items, "SHARD", 10)
    items = planted_items(RUBRIC, 60)
    ratings = planted_ratings(items, labelled=LABELLED).assign(rationale="because")
    judged = ratings[ratings["rater_kind"] == "judge"]
    more = [judged.assign(replicate=k, code=(judged["code"] + k - 1) % 7 + 1) for k in (1, 2)]
    frame = pd.concat([ratings, *more], ignore_index=True).assign(expected=lambda table: table["code"])
    run = planted_run(tmp_path / "run", RUBRIC, items, frame)
    table = pq.read_table(run / RATINGS)
    with pq.ParquetWriter(run / RATINGS, table.schema) as writer:
        for kind in ("judge", "human"):
            writer.write_table(table.filter(pq.filters_to_expression([("rater_kind", "==", kind)])), 50)
    return run


class Watch:
    """What is read of Parquet files: file, row group and column."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: set[tuple[str, int, str]] = set()
        self._batches, self._group = pq.ParquetFile.iter_batches, pq.ParquetFile.read_row_group
        monkeypatch.setattr(pq.ParquetFile, "iter_batches", lambda *given, **more: self._iter_batches(*given, **more))
        monkeypatch.setattr(pq.ParquetFile, "read_row_group", lambda *given, **more: self._read_row_group(*given, **more))
        monkeypatch.setattr(pq, "read_table", self._read_table)

    def of(self, name: str, *columns: str) -> set[int]:
        """The row groups of a table of which one of these columns was read."""
        return {group for file, group, column in self.read if file == name and column in columns}

    def _add(self, file, groups, columns) -> None:
        name = ITEMS if "query" in file.schema_arrow.names else RATINGS
        self.read |= {(name, group, column) for group in groups for column in columns or file.schema_arrow.names}

    def _iter_batches(self, file, *given, row_groups, columns=None, **more) -> Iterator[object]:
        self._add(file, row_groups, columns)
        return self._batches(file, *given, row_groups=row_groups, columns=columns, **more)

    def _read_row_group(self, file, group, columns=None, **more) -> object:
        self._add(file, [group], columns)
        return self._group(file, group, columns=columns, **more)

    def _read_table(self, path) -> object:
        raise AssertionError(f"{path} is read as a whole")


def test_estimates_rest_on_no_text_and_no_rationale_of_the_judge(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimator, "look_through", lambda _: [])  # some lenses are there to read texts
    estimate(run, n_resamples=FEW)  # puts a validation into the run, for which its ratings are written anew
    groups = pq.ParquetFile(run / RATINGS)
    kinds = [set(groups.read_row_group(k)["rater_kind"].to_pylist()) for k in range(groups.num_row_groups)]
    watch = Watch(monkeypatch)
    estimate(run, n_resamples=FEW)
    assert watch.of(RATINGS, "value") == set(range(len(kinds)))
    assert watch.of(RATINGS, "rationale") == {k for k, kind in enumerate(kinds) if "human" in kind} != set(range(len(kinds)))
    assert len(watch.of(ITEMS, "item_id")) == 12
    assert not watch.of(ITEMS, *TEXTS)


def test_a_report_reads_the_texts_of_labelled_items_alone(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    estimate(run, n_resamples=FEW)
    watch = Watch(monkeypatch)
    build_report(run)
    assert watch.of(ITEMS, *TEXTS) == set(range(LABELLED * 2 // 10))


def test_a_validation_without_labels_keeps_no_item_and_no_rating_in_memory(tmp_path: Path) -> None:
    items = planted_items(RUBRIC, 20)
    run = planted_run(tmp_path / "run", RUBRIC, items, planted_ratings(items, labelled=0))
    estimate(run, n_resamples=FEW)
    validation = load_validation(run)
    assert validation.ratings.empty
    assert list(validation.items) == items
    codes = tables.read_ratings(run, validation.scales)["code"]
    assert validation.given("depth", "judge").to_dict() == codes.value_counts().to_dict()
    assert validation.given("depth", "human").empty
    agreement = next(section for section in build_report(run).sections if section.id == "agreement")
    shown = {
        row["level"]: row["share"] for block in agreement.blocks if (rows := values_of(block)) for row in rows if "share" in row
    }
    assert shown == {str(int(code)): share for code, share in codes.value_counts(normalize=True).items()}


def values_of(block: object) -> list[dict[str, object]]:
    spec = getattr(block, "spec", None)
    return spec["data"]["values"] if spec else []


def test_a_draw_reads_the_texts_of_what_it_draws(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(monkeypatch)
    drawn = draw_sample(run, RUBRIC.context, 2).items
    row = {item_id: k for k, item_id in enumerate(run_items.read_item_ids(run))}
    assert watch.of(ITEMS, *TEXTS) == {row[item.item_id] // 10 for item in drawn}
    assert all(item.query and item.response for item in drawn)


def test_texts_that_are_sampled_on_disk_are_those_that_would_be_sampled_in_memory(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("judgefair.statistics.distribution_shift"), "MAX_TEXTS", 70)
    others = planted_items(RUBRIC, 60, topic="stage", first=500)
    of_set = planted_validation(tmp_path / "set", RUBRIC, others, planted_ratings(others))
    of_run = run_items.read_run_items(run)
    texts = [[f"{item.query}\n{item.response}" for item in items] for items in (others, of_run)]
    units = [[item.unit for item in items] for items in (others, of_run)]
    assert shift(of_set, run, read_facts(run), 3) == distribution_shift(*texts, *units, seed=3)
