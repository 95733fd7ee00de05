"""What do `estimate` and `report` cost on big runs? Wall time and peak memory, each in a process of its own.

Run as `python benchmarks/big_tables.py [--keep FOLDER]`. Every run has 10 populations in shared scenarios, 5 criteria, responses
of some 1,000 characters, rationales of some 200, and 10,000 human ratings of items drawn evenly from all scenarios; ratings
grow by items, then by replicates of the same items. Exits with 1 where memory grows with replicates, or passes its limit.

This process imports nothing heavy: a child's peak counts from what its parent held when it was started.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judgefair.rubric.rubric import Rubric

N_CRITERIA, N_GROUPS, N_HUMAN = 5, 10, 10_000
SIZES = ((20_000, 1), (200_000, 1), (200_000, 5))
"""Items, and the judge's replicates of each: 100,000, 1,000,000 and 5,000,000 ratings."""
MAX_MEGABYTES, MAX_GROWTH = 500, 100
"""Of the run of 1,000,000 ratings; and of that of 5,000,000 beyond it."""


def main() -> int:
    """0 where memory stays within its limits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, help="make the runs in this folder, or measure those that it holds")
    parser.add_argument("--make", nargs=3, metavar=("RUN", "ITEMS", "REPLICATES"), help="make one run, and measure nothing")
    asked = parser.parse_args()
    if asked.make:
        make(Path(asked.make[0]), int(asked.make[1]), int(asked.make[2]))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        return measure(asked.keep or Path(folder))


def measure(folder: Path) -> int:
    """Print time and memory of both verbs on every run; 1 where memory passes its limits."""
    peaks: dict[str, list[float]] = {"estimate": [], "report": []}
    for n_items, replicates in SIZES:
        run = folder / f"{n_items}x{replicates}"
        if not run.is_dir():
            subprocess.run([sys.executable, __file__, "--make", run, str(n_items), str(replicates)], check=True)
        for verb, found in peaks.items():
            seconds, megabytes = cost(verb, run)
            found.append(megabytes)
            n = n_items * N_CRITERIA * replicates
            print(f"{n:>9,} ratings of {n_items:>7,} items   {verb:8} {seconds:6.1f} s   {megabytes:6,.0f} MB", flush=True)
    return int(any(million > MAX_MEGABYTES or most - million > MAX_GROWTH for _, million, most in peaks.values()))


def cost(verb: str, run: Path) -> tuple[float, float]:
    """Seconds, and megabytes at the peak, of a command on a run."""
    line = [sys.executable, "-c", "from judgefair.cli import main; main()", verb, str(run)]
    start = time.perf_counter()
    child = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(line[3:])} ended with exit code {child.returncode}")
    return time.perf_counter() - start, used.ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


def make(run: Path, n_items: int, replicates: int) -> None:
    """A run as `judge` leaves it, with human ratings of some of its items; written a row group at a time."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from judgefair.compile import compile_judge
    from judgefair.runs.folder import PROGRAM, write_manifest
    from judgefair.runs.items import ITEMS, SHARD
    from judgefair.runs.tables import RATINGS, ratings_schema

    rubric = _rubric()
    criteria, groups = [criterion.id for criterion in rubric.criteria], list(rubric.context.populations[0].groups)
    run.mkdir(parents=True)
    program = compile_judge(rubric)
    program.save(run / PROGRAM)
    content = {
        "stage": "judge", "program": program.fingerprint, "model": {"name": "made-up", "server": "http://nowhere"},
        "items": {"n": n_items, "fingerprint": "f" * 64},
    }  # fmt: skip
    write_manifest(run, content, "2026-01-01")
    rng = np.random.default_rng(0)
    words = np.array([f"{a}{b}{c}" for a in "bdfgklmnprst" for b in ("a", "ei", "o", "ua") for c in ("", "n", "ster", "lig")])

    def texts(n: int, n_words: int) -> list[str]:
        return [" ".join(row) for row in words[rng.integers(0, len(words), (n, n_words))]]

    ids = np.array([f"s{k // N_GROUPS:06}-{k % N_GROUPS}" for k in range(n_items)])
    item_schema = pa.schema(
        [(name, pa.string()) for name in ("item_id", "scenario_id", "query", "response", "pop.dialect", "meta")]
    )
    with pq.ParquetWriter(run / ITEMS, item_schema) as writer:
        for start in range(0, n_items, SHARD):
            rows = range(start, min(start + SHARD, n_items))
            writer.write_table(
                pa.table(
                    {
                        "item_id": ids[rows], "scenario_id": [f"s{k // N_GROUPS:06}" for k in rows],
                        "query": texts(len(rows), 30), "response": texts(len(rows), 200),
                        "pop.dialect": [groups[k % N_GROUPS] for k in rows],
                        "meta": [f'{{"arm": "{groups[k % N_GROUPS]}", "block": "b{k // N_GROUPS:06}", "cue": "name"}}' for k in rows],
                    },
                    schema=item_schema,
                )
            )  # fmt: skip
    schema = ratings_schema(criterion.scale for criterion in rubric.criteria)
    true = 4 + rng.normal(0, 1, n_items // N_GROUPS).repeat(N_GROUPS) + rng.normal(0, 0.5, n_items)
    n_judged, per_item = n_items * N_CRITERIA * replicates, N_CRITERIA * replicates

    def rated(
        item: np.ndarray, criterion: np.ndarray, raters: object, kind: str, replicate: np.ndarray, why: list[str] | None
    ) -> pa.Table:
        values = np.clip(np.round(true[item] + rng.normal(0, 0.7, len(item))), 1, 7)
        lost = (rng.random(len(item)) < 0.01) & (kind == "judge")
        n = len(item)
        return pa.table(
            {
                "item_id": ids[item], "criterion": np.array(criteria)[criterion], "rater_id": raters, "rater_kind": [kind] * n,
                "replicate": replicate, "value": pa.array(values, pa.float64(), mask=lost),
                "missing": pa.array(np.full(n, "unparsable"), pa.string(), mask=~lost),
                "rationale": pa.nulls(n, pa.string()) if why is None else why,
                "distribution": pa.nulls(n, schema.field("distribution").type),
                "program_fingerprint": [program.fingerprint if kind == "judge" else None] * n,
            },
            schema=schema,
        )  # fmt: skip

    with pq.ParquetWriter(run / RATINGS, schema) as writer:
        for start in range(0, n_judged, SHARD * per_item):
            k = np.arange(start, min(start + SHARD * per_item, n_judged))
            why = texts(len(k), 40)
            writer.write_table(
                rated(k // per_item, k % per_item // replicates, ["made-up"] * len(k), "judge", k % replicates, why)
            )
        scenarios = rng.choice(n_items // N_GROUPS, N_HUMAN // (2 * N_CRITERIA * N_GROUPS), replace=False)
        labelled = (np.sort(scenarios)[:, None] * N_GROUPS + np.arange(N_GROUPS)).ravel()
        item, criterion, who = (x.ravel() for x in np.meshgrid(labelled, np.arange(N_CRITERIA), np.arange(2), indexing="ij"))
        writer.write_table(rated(item, criterion, np.array(["ann", "bob"])[who], "human", np.zeros_like(item), None))


def _rubric() -> "Rubric":
    """Five criteria on a scale of 1 to 7, and one axis of ten groups."""
    from judgefair.rubric import load_rubric
    from judgefair.rubric.rubric import Rubric

    data = load_rubric("writing_tutor").model_dump()
    groups = {f"group {k}": {"cues": {"name": [f"number {k} wrote this"]}} for k in range(N_GROUPS)}
    axis = {"axis": "dialect", "reference": "group 0", "groups": groups}
    scale = {"kind": "ordinal", "levels": {1: "low", **dict.fromkeys(range(2, 7)), 7: "high"}}
    one = data["criteria"][0] | {"scale": scale, "tolerance": 0.25, "roles": {"dialect": "must_ignore"}, "why": {}}
    context = data["context"] | {"populations": [axis], "scenarios": []}
    criteria = [one | {"id": f"criterion_{k}"} for k in range(N_CRITERIA)]
    return Rubric.model_validate(data | {"context": context, "criteria": criteria})


if __name__ == "__main__":
    raise SystemExit(main())
