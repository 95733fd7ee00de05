"""How close does judging come to the wire, and how far do other harnesses stay from it?

Run as `python benchmarks/throughput.py`, on an idle machine with two cores or more (about twenty minutes);
`--quick` tries everything with few calls and holds nothing to a threshold. `--md benchmarks/throughput.md --as-of DATE` writes
the results page. Exits with 1 where a claim does not hold or is not shown.

Six harnesses judge posts by the shipped rubric `hateful_content` against one chat-completions server on loopback, which has a
process of its own: bare aiohttp (the yardstick), the openai client, dspy, inspect_ai, autorubric, and `judgefair judge` with
its journal. Each run is a fresh process; `benchmarks/peers` has the harnesses, and each file says how it was set up and why.
inspect_ai and autorubric get environments of their own (`--peers-dir`), made on first use. No caches, since otherwise nothing
is sent. Runs are written to the folder for temporary files (TMPDIR), which should lie on a disk.

What is measured, of all harnesses alike:

calls/s : over the phase in which calls are made, by the server's stopwatch: from the first request received to the last
    reply sent. All ratios are of this rate. What a harness prepares before its first request is not in it, and where calls are
    few that flatters a harness which prepares many at once.
wall s : of the whole process, start-up included.
CPU : user and system time of the process and its children (wait4), per call: in all, and net of start-up, that is with the
    time of a run of 16 calls subtracted and divided by the calls beyond those 16.
peak MB : largest resident size of the process.
stage calls/s : judgefair alone, from the first file of its run folder to the last change of its ratings table.

judgefair and bare aiohttp run in turn, and a ratio is the median of the ratios of such pairs. The other harnesses run once in
each cell and make fewer calls, so that the whole ends; that rather helps them, since two of them slow down as results pile up.
"""

import argparse
import json
import math
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import platformdirs
from throughput_run import BARE, HARNESSES, OURS, TINY, Bench, HarnessError, Run, note, serving

SMALL, LARGE = 1_000, 20_000
PEER_ROUNDS = {64: 16, 256: 8}
"""Calls of another harness, in times the requests in flight."""
OTHER_PAIRS = 2
"""Pairs in cells that no claim is about."""

OF_BARE = {(64, 0.0): 0.45, (64, 0.1): 0.95, (256, 0.1): 0.80}
OF_IDEAL = {(256, 0.5): 0.95}
MOST_CPU, MOST_GROWTH = 2.5, 1.25
TIMES = {"dspy": 10, "autorubric": 20, "inspect_ai": 50}
"""What judgefair has to reach: by requests in flight and seconds of delay, or by harness at the first of these."""
FIRST = (64, 0.0)

HEAD = (
    "latency", "in flight", "harness", "calls", "runs", "calls/s", "of bare", "judgefair is", "stage calls/s", "wall s",
    "CPU ms/call", "net", "peak MB", "most at once", "server busy",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """Requests in flight, seconds until a reply, and how many items judgefair and the yardstick judge."""

    in_flight: int
    delay: float
    n_items: int

    @property
    def key(self) -> tuple[int, float]:
        """What claims are made by."""
        return self.in_flight, self.delay


@dataclass(frozen=True, slots=True)
class Claim:
    """A requirement with what was found, and whether it holds; None where it could not be shown."""

    text: str
    holds: bool | None

    def line(self, is_quick: bool) -> str:
        """As it is printed."""
        word = "quick, not judged:" if is_quick else {True: "PASS", False: "FAIL", None: "FAIL, not shown:"}[self.holds]
        return f"{word} {self.text}"


@dataclass(slots=True)
class Results:
    """Everything measured.

    Attributes
    ----------
    runs : in order; judgefair's and the yardstick's in turn.
    start_ups : runs of `TINY` items, by harness.
    small : judgefair's runs of `SMALL` items, each beside a start-up run.
    unmeasured : why a harness is missing.
    """

    runs: list[Run] = field(default_factory=list)
    start_ups: dict[str, list[Run]] = field(default_factory=dict)
    small: list[Run] = field(default_factory=list)
    unmeasured: dict[str, str] = field(default_factory=dict)

    def of(self, harness: str, key: tuple[int, float]) -> list[Run]:
        """Its runs in one cell, in order."""
        return [run for run in self.runs if run.harness == harness and (run.in_flight, run.delay) == key]

    def pairs(self, key: tuple[int, float]) -> list[tuple[Run, Run]]:
        """(judgefair, bare aiohttp), in turn."""
        return list(zip(self.of(OURS, key), self.of(BARE, key), strict=False))

    def net_cpu(self, run: Run) -> float:
        """Seconds per call, net of the harness's start-up."""
        return run.net_cpu(median(start.cpu for start in self.start_ups[run.harness]))


def measure(bench: Bench, names: Sequence[str], cells: Sequence[Cell], n_pairs: int, n_rounds: Mapping[int, int]) -> Results:
    """All runs: start-up first, then cell by cell, the pairs in turn."""
    results = Results()
    paired, peers = [name for name in (BARE, OURS) if name in names], [name for name in names if name not in (BARE, OURS)]

    def keep(name: str, cell: Cell, n: int) -> None:
        run = bench.run(name, *cell.key, n)
        results.runs.append(run)
        note(f"{_place(cell.key)}: {name} {run.rate:,.0f} calls/s, {run.wall:.1f} s")
        if run.server_busy > 0.8:
            note(f"the server was busy {run.server_busy:.0%} of the time: {name} may have waited for it")

    def start(name: str) -> None:
        results.start_ups.setdefault(name, []).append(bench.run(name, *FIRST, TINY))

    def attempt(name: str, work: Callable[[], object]) -> None:
        """A peer that cannot be measured is reported, and ends nothing."""
        try:
            if name not in results.unmeasured:
                work()
        except HarnessError as error:
            results.unmeasured[name] = str(error).removeprefix(f"{name}: ")
            note(f"{name} is not measured: {results.unmeasured[name]}")

    for name in paired:
        bench.run(name, *FIRST, TINY)  # files come into memory, and modules are compiled
    for turn in range(n_pairs):
        for name in paired:
            start(name)
        if OURS in names:
            results.small.append(bench.run(OURS, *FIRST, SMALL))
        note(f"start-up, {turn + 1} of {n_pairs}")
    for name in peers:
        attempt(name, lambda name=name: bench.run(name, *FIRST, TINY))
        attempt(name, lambda name=name: start(name))
    for cell in cells:
        is_claimed = cell.key in OF_BARE or cell.key in OF_IDEAL
        for _ in range(n_pairs if is_claimed else min(n_pairs, OTHER_PAIRS)):
            for name in paired:
                keep(name, cell, cell.n_items)
        for name in peers:
            n = min(cell.in_flight * n_rounds[cell.in_flight] * (4 if name == "openai" else 1), cell.n_items)
            attempt(name, lambda name=name, cell=cell, n=n: keep(name, cell, n))
    return results


def claims(results: Results) -> Iterator[Claim]:
    """What judgefair is held to, and what was found."""
    for key, required in OF_BARE.items():
        ratios = [_ratio(ours.rate, bare.rate) for ours, bare in results.pairs(key)]
        yield _claim(f"{_place(key)}: of bare aiohttp's rate", ratios, required, is_least=True)
    for key, required in OF_IDEAL.items():
        ratios = [run.rate * run.delay / run.in_flight for run in results.of(OURS, key)]
        yield _claim(f"{_place(key)}: of the rate that the delay allows", ratios, required, is_least=True)

    pairs = results.pairs(FIRST)
    ratios = [_ratio(results.net_cpu(ours), results.net_cpu(bare)) for ours, bare in pairs]
    in_all = [_ratio(ours.cpu, bare.cpu) for ours, bare in pairs]
    what, beside = (
        "processor time per call, net of start-up, in times bare aiohttp's",
        f"{_median(in_all, '.2f') or '-'} in all",
    )
    yield _claim(f"{_place(FIRST)}: {what}", ratios, MOST_CPU, is_least=False, beside=beside)
    yield _growth(results)

    ours = median([run.rate for run in results.of(OURS, FIRST)] or [math.nan])
    for name, required in TIMES.items():
        theirs = results.of(name, FIRST)
        ratios = [_ratio(ours, run.rate) for run in theirs]
        beside = (
            f"{theirs[0].n_items:,} calls of {name}" if theirs else f"not measured: {results.unmeasured.get(name, 'left out')}"
        )
        yield _claim(f"{_place(FIRST)}: times {name}'s rate", ratios, required, is_least=True, beside=beside)


def _growth(results: Results) -> Claim:
    """Does a call cost more where there are many items?"""
    few = [run.net_cpu(start.cpu) for run, start in zip(results.small, results.start_ups.get(OURS, []), strict=False)]
    runs = results.of(OURS, FIRST)
    many = [results.net_cpu(run) for run in runs]
    n_many = runs[0].n_items if runs else 0
    what = f"{_place(FIRST)}: processor time per call, net of start-up, at {n_many or LARGE:,} items, in times that at {SMALL:,}"
    if not few or not many:
        return _claim(what, [], MOST_GROWTH, is_least=False)
    beside = f"{median(few) * 1000:.3f} ms at {SMALL:,}, {median(many) * 1000:.3f} ms at {n_many:,}"
    found = [_ratio(median(many), median(few))] if n_many >= LARGE else []
    return _claim(what, found, MOST_GROWTH, is_least=False, beside=beside)


def _claim(what: str, values: Sequence[float], required: float, *, is_least: bool, beside: str = "") -> Claim:
    """The median of the values against what is required."""
    parts = [f"{'at least' if is_least else 'at most'} {required:g} required"]
    if len(values) > 1:
        parts.append(f"each: {' '.join(f'{value:.3f}' for value in values)}")
    parts += [beside] if beside else []
    if not values or any(map(math.isnan, values)):
        return Claim(f"{what} ({'; '.join(parts)})", None)
    found = median(values)
    return Claim(f"{what}: {found:.3f} ({'; '.join(parts)})", found >= required if is_least else found <= required)


def _ratio(a: float, b: float) -> float:
    """nan where either is not above 0, as processor time net of start-up may be in a run too short to show it."""
    return a / b if a > 0 and b > 0 else math.nan


def _place(key: tuple[int, float]) -> str:
    return f"{key[1] * 1000:.0f} ms, {key[0]} in flight"


def table(results: Results, cells: Sequence[Cell]) -> list[list[str]]:
    """A row for each harness in each cell, medians over its runs."""
    rows = []
    for cell in cells:
        paired = [ours.rate / bare.rate for ours, bare in results.pairs(cell.key)]
        rates = {name: [run.rate for run in results.of(name, cell.key)] for name in HARNESSES}
        for name in HARNESSES:
            if not (runs := results.of(name, cell.key)):
                continue
            rate = median(rates[name])
            of_bare = paired if name == OURS else [rate / bare for bare in rates[BARE]]
            ours_is = [ours / rate for ours in rates[OURS] if name != OURS]
            rows.append([
                f"{cell.delay * 1000:.0f} ms", str(cell.in_flight), name, f"{runs[0].n_items:,}", str(len(runs)), f"{rate:,.0f}",
                _median(of_bare, ".1%"), _median(ours_is, ",.2fx"),
                _median([run.n_items / run.stage_seconds for run in runs if run.stage_seconds], ",.0f"),
                _median([run.wall for run in runs], ".1f"),
                _median([run.cpu / run.n_items * 1000 for run in runs], ".2f"),
                _median([results.net_cpu(run) * 1000 for run in runs], ".3f"),
                f"{max(run.peak_mb for run in runs):,.0f}", str(max(run.most_in_flight for run in runs)),
                _median([run.server_busy for run in runs], ".0%"),
            ])  # fmt: skip
    return rows


def _median(values: Sequence[float], how: str) -> str:
    unit = "x" if how.endswith("x") else ""
    return format(median(values), how.removesuffix("x")) + unit if values else ""


def start_up_line(results: Results) -> str:
    """What start-up took of each harness."""
    parts = [
        f"{name} {_median([run.wall for run in runs], '.1f')} s, {_median([run.cpu for run in runs], '.2f')} s of CPU"
        for name, runs in results.start_ups.items()
    ]
    return f"Start-up, with {TINY} calls: {'; '.join(parts)}."


def machine(versions: Mapping[str, Mapping[str, str]]) -> str:
    """Cores and versions; those of a harness that has an environment of its own stand apart."""
    apart = {name: numbers for name, numbers in versions.items() if name in HARNESSES and HARNESSES[name].needs}
    shared = {package: number for name, numbers in versions.items() if name not in apart for package, number in numbers.items()}
    named = [", ".join(f"{package} {number}" for package, number in numbers.items()) for numbers in (shared, *apart.values())]
    where = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{where}; {'; apart: '.join(named)}"


def page(results: Results, rows: Sequence[Sequence[str]], lines: Sequence[str], where: str, given: argparse.Namespace) -> str:
    """The results page."""
    body = _median([run.body_bytes for run in results.runs if run.harness == BARE], ",.0f")
    missing = "\n".join(f"- {name} is not measured: {reason.splitlines()[-1]}" for name, reason in results.unmeasured.items())
    text = [
        "# How close judging comes to the wire, beside other harnesses",
        f"`python benchmarks/throughput.py`, seed {given.seed}, {given.as_of}; {where}.",
        f"One chat-completions server on loopback, in a process of its own, answers requests of {body} bytes after the latency "
        "named. Every run is a fresh process. calls/s is by the server's stopwatch, from the first request received to the last "
        "reply sent; stage calls/s is judgefair's, from the first file of its run to its table. CPU is of the process and its "
        f"children: in all, and net of start-up (a run of {TINY} calls subtracted). judgefair keeps its journal and ran in turn "
        "with bare aiohttp; its `of bare` is the median of the ratios of such pairs. The other harnesses ran once in each cell "
        "and made fewer calls. `most at once` is requests waiting at the server, or connections where there is no latency. "
        "`benchmarks/peers` says how each harness was set up, and why.",
        "\n".join(f"| {' | '.join(row)} |" for row in (HEAD, ["---"] * len(HEAD), *rows)),
        start_up_line(results),
        missing,
        "\n".join(f"- {line}" for line in lines),
    ]
    return "\n\n".join(filter(None, text)) + "\n"


def cells_of(n_zero: int, is_quick: bool) -> list[Cell]:
    """Whole rounds of requests in flight, so that none ends half empty: some 10 to 15 seconds where replies are delayed."""
    rounds = {(64, 0.1): 128, (256, 0.1): 100, (64, 0.5): 24, (256, 0.5): 30}
    delayed = [Cell(*key, key[0] * (4 if is_quick else n)) for key, n in rounds.items()]
    return [Cell(64, 0.0, n_zero), Cell(256, 0.0, n_zero), *delayed]


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few calls, one pair, and nothing is held to a threshold")
    parser.add_argument("--only", nargs="+", choices=HARNESSES, default=list(HARNESSES), help="these harnesses alone")
    parser.add_argument("--cells", nargs="+", metavar="MS/N", help="these alone, as latency in ms and number in flight: 0/64")
    parser.add_argument("--pairs", type=int, help="runs of judgefair and bare aiohttp in turn (5; quick: 1)")
    parser.add_argument("--items", type=int, help=f"items where there is no latency ({LARGE:,}; quick: 2,000)")
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True, help="the other harnesses too")
    parser.add_argument("--peers-dir", type=Path, default=platformdirs.user_cache_path("judgefair") / "peers")
    parser.add_argument("--seed", type=int, default=0, help="of the items' texts")
    parser.add_argument("--as-of", help="date of the results page")
    parser.add_argument("--json", type=Path, help="write every run to this file")
    parser.add_argument("--md", type=Path, help="write the results page to this file")
    given = parser.parse_args()
    if given.md and not given.as_of:
        parser.error("--md needs --as-of DATE")
    given.pairs = given.pairs or (1 if given.quick else 5)
    given.items = given.items or (2_000 if given.quick else LARGE)
    if not given.quick and (given.pairs < 5 or given.items < 10_000):
        parser.error("claims need at least 5 pairs and 10,000 items; add --quick for fewer")
    if given.items <= TINY:
        parser.error(f"--items is {given.items}, and start-up alone takes {TINY}")
    return given


def main() -> int:
    """0 where every claim holds, or none was to be held."""
    given = read_arguments()
    cells = [
        cell
        for cell in cells_of(given.items, given.quick)
        if given.cells is None or f"{cell.delay * 1000:.0f}/{cell.in_flight}" in given.cells
    ]
    names = [name for name in HARNESSES if name in given.only and (given.peers or name in (BARE, OURS))]
    if (load := os.getloadavg()[0]) > 0.5:
        note(f"the machine is not idle (load {load:.1f}): what follows may say little")
    with tempfile.TemporaryDirectory(prefix="judgefair-") as work, serving() as port:
        bench = Bench(Path(work), port, given.peers_dir.absolute(), given.seed)
        results = measure(bench, names, cells, given.pairs, dict.fromkeys(PEER_ROUNDS, 2) if given.quick else PEER_ROUNDS)
    where, rows, made = machine(bench.versions), table(results, cells), list(claims(results))
    lines = [claim.line(given.quick) for claim in made]
    widths = [max(map(len, column)) for column in zip(HEAD, *rows, strict=True)]
    print(where)
    for row in (HEAD, *rows):
        print("  ".join(text.ljust(w) if i == 2 else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths, strict=True))))
    print(start_up_line(results))
    for name, reason in results.unmeasured.items():
        print(f"{name} is not measured: {reason}")
    print("\n".join(lines))
    if given.json:
        content = {
            "as_of": given.as_of,
            "seed": given.seed,
            "is_quick": given.quick,
            "machine": where,
            "versions": bench.versions,
        }
        content |= {"results": asdict(results), "claims": [asdict(claim) for claim in made]}
        given.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    if given.md:
        given.md.write_text(page(results, rows, lines, where, given), "utf-8")
    return int(not given.quick and not all(claim.holds for claim in made))


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except HarnessError as error:
        raise SystemExit(f"throughput: {error}") from None
