"""Do ten thousand hostile texts stay data, each with the rating that was given to it?"""

import json
import random
import re
import subprocess
import sys
import unicodedata
import zlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from judgefair.compile.fence import CLOSE, OPEN, fence
from judgefair.errors import InputError
from judgefair.models.stand_ins import scripted
from judgefair.records import Item, printable, sendable
from judgefair.runs import judge
from tests import loopback as lb
from tests.builders import judgefair, run_here, tiny_program, write_items
from tests.compile.test_fence import BENIGN, CUSTOM_TYPES, FENCES, MARKERS, PIECES, TEMPLATES, WORDS, counts
from tests.faults.checks import assert_each_outcome_once

N = 10_000
LONG = 1_000_000
PROGRAM = tiny_program(per_call="all")
CONTROLS = ["\x00", "\x07", "\x08", "\x1b[2J", "\x1b]0;owned\x07", "\x7f", "\x9b31m", "\x85", "\r", "\u2028", "\ufffe"]
HALVES = ["\ud83d", "\udc00"]
BIDI = ["\u202e", "\u202d", "\u2066", "\u2069", "\u200f"]
PLACEHOLDERS = ["{query}", "{{ response }}", "{% endif %}", "${HOME}", "%s%n", "{0.__class__}", "\\n", '"', "'", "<!--", "$(id)"]
HOSTILE = [*FENCES, *MARKERS, *TEMPLATES, *CUSTOM_TYPES, *PIECES, *WORDS, *CONTROLS, *HALVES, *BIDI, *PLACEHOLDERS]
STEERING = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def hostile_text(rng: random.Random) -> str:
    return json.loads(json.dumps("".join(rng.choices(HOSTILE, k=rng.randrange(1, 8)))))  # two halves side by side are one whole


def hostile_items(rng: random.Random) -> list[Item]:
    """Items whose ids, queries and responses are hostile, and differ; of two of them the response is a megabyte long."""
    items = [Item(f"{k} {sendable(hostile_text(rng))}", hostile_text(rng), f"{hostile_text(rng)}{k}") for k in range(N)]
    for place in rng.sample(range(N), 2):
        piece = hostile_text(rng)
        items[place] = Item(f"long {place}", "Where?", piece * (LONG // len(piece)))
    return items


def level_for(content: str) -> int:
    return zlib.crc32(content.encode()) % 2


def slots(content: str) -> tuple[list[str], list[str]]:
    """A message in what stands outside the fences and what stands between them."""
    parts = re.split(f"({re.escape(OPEN)}\n.*?\n{re.escape(CLOSE)})", content, flags=re.DOTALL)
    return parts[::2], parts[1::2]


def test_ten_thousand_hostile_texts_stay_data_and_keep_their_ratings(tmp_path, seed, rng, monkeypatch, capfd):
    """Judged in a process of its own: the server takes a processor too."""
    run, items = tmp_path / "run", hostile_items(rng)
    PROGRAM.save(tmp_path / "program.json")
    files = ["--program", tmp_path / "program.json", "--items", write_items(items, tmp_path / "items.jsonl"), "--out", run]
    with lb.loopback(lambda _, body: lb.ok(level_for(body["messages"][-1]["content"]))) as server:
        line = judgefair("judge", *files, "--model", f"tiny@{server.address}", "--concurrency", 64, "--no-cache")
        done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(server.calls) == N
    assert_fences_hold(server)
    assert_each_outcome_once(run, items, PROGRAM)
    assert_ratings_are_of_their_items(run, items)
    for item in [*rng.sample(items, 5), *(item for item in items if item.item_id.startswith("long"))]:
        for form in ([], ["--json"]):
            assert run_here(judgefair("show", run, item.item_id, *form), monkeypatch) == 0
            said = capfd.readouterr().out
            assert not STEERING.findall(said)
            assert len(said) > len(item.response)


def assert_fences_hold(server: lb.Loopback) -> None:
    """What was sent outside the fences is the program's own, to the letter; and between them nothing looks like a fence or marker."""
    static, benign = PROGRAM.render(BENIGN)["*"][:-1], PROGRAM.render(BENIGN)["*"][-1]["content"]
    template, (ours, _) = slots(benign)
    for call in server.calls:
        *before, last = call.body["messages"]
        outside, inside = slots(last["content"])
        assert (before, outside) == (static, template)
        for text in inside:
            assert counts(text) == counts(ours), text[:200]


def assert_ratings_are_of_their_items(run: Path, items: Sequence[Item]) -> None:
    said = {item.item_id: level_for(PROGRAM.render(item)["*"][-1]["content"]) for item in items}
    rows = pq.read_table(run / "ratings.parquet", columns=["item_id", "value"]).to_pylist()
    assert [row for row in rows if row["value"] != said[row["item_id"]]] == []


def test_half_a_surrogate_pair_in_an_id_is_refused_in_words(tmp_path):
    with pytest.raises(InputError, match="item_id"):
        judge(PROGRAM, [Item("i \ud83d", "Where?", "There.")], scripted("first"), tmp_path / "run")


def test_no_character_that_nobody_sees_hides_a_fence():
    unseen = [chr(code) for code in range(sys.maxunicode) if unicodedata.category(chr(code)) == "Cf"]
    assert [each for each in unseen if f"<{each}/{each}judged_text>" in fence(f"<{each}/{each}judged_text>")] == []


def test_no_text_writes_over_the_line_it_stands_in_or_turns_it_round():
    assert not set(printable(f"safe\r owned {''.join(BIDI)}")) & {"\r", *BIDI}
