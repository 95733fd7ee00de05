"""Is a budget kept, and can the work go on with a larger one?"""

import json
from collections import Counter

import pytest

from judgefair.errors import InputError
from judgefair.models.budget import Budget, OverBudgetError
from judgefair.models.openai_server import OpenAIServer
from judgefair.models.policy import RetryPolicy
from judgefair.models.prices import Price, read_prices
from judgefair.models.reply import Reply
from judgefair.records import Missing
from judgefair.runs import judge
from tests import loopback as lb
from tests.builders import landed, run_here, tiny_items, tiny_program, write_items

TOKENS_A_CALL = 100  # what the loopback server says of each


def judged(server, run, n, budget, **options):
    model = OpenAIServer("tiny", server.address)
    return judge(tiny_program(), tiny_items(n), model, run, budget=budget, policy=RetryPolicy(1), use_cache=False, **options)


def test_no_call_is_left_once_the_budget_is_used_up():
    budget = Budget(max_calls=2)
    budget.reserve()
    budget.reserve()
    with pytest.raises(OverBudgetError, match="2 calls"):
        budget.reserve()
    assert budget.calls == 2


def test_tokens_of_prompt_and_completion_count():
    budget = Budget(max_tokens=10)
    budget.reserve()
    budget.spend(Reply("", prompt_tokens=7, completion_tokens=3), "tiny")
    with pytest.raises(OverBudgetError, match="10 tokens"):
        budget.reserve()


@pytest.mark.parametrize("concurrency", [1, 8])
def test_calls_never_exceed_their_budget(tmp_path, concurrency):
    with lb.loopback(lb.ok(1)) as server:
        result = judged(server, tmp_path / "run", 10, Budget(max_calls=7), concurrency=concurrency)
    assert len(server.calls) == result.progress.budget.calls == 7
    assert result.progress.missing == Counter(over_budget=13)
    assert sum(rating.value == Missing("over_budget") for rating in result.ratings) == 13


@pytest.mark.parametrize("concurrency", [1, 4])
def test_tokens_exceed_their_budget_by_no_more_than_what_is_in_flight(tmp_path, concurrency):
    with lb.loopback(lb.ok(1)) as server:
        result = judged(server, tmp_path / "run", 10, Budget(max_tokens=5 * TOKENS_A_CALL), concurrency=concurrency)
    assert 5 <= len(server.calls) <= 5 + concurrency - 1
    assert result.progress.budget.tokens == len(server.calls) * TOKENS_A_CALL


def test_a_budget_of_no_calls_asks_nothing(tmp_path):
    with lb.loopback() as server:
        result = judged(server, tmp_path / "run", 1, Budget(max_calls=0))
    assert not server.calls
    assert {rating.value for rating in result.ratings} == {Missing("over_budget")}


def test_a_budget_that_ends_the_work_is_exit_code_4_and_a_larger_one_completes_it_without_repeating(tmp_path, monkeypatch, capfd):
    program, run = tmp_path / "program.json", tmp_path / "run"
    tiny_program().save(program)
    items = write_items(tiny_items(5), tmp_path / "items.jsonl")
    with lb.loopback(lb.ok(1)) as server:
        files = ["--program", program, "--items", items, "--out", run, "--model", f"tiny@{server.address}"]
        line = ["", "", "", "judge", *map(str, files)]
        assert run_here([*line, "--max-calls", "4"], monkeypatch) == 4
        assert "run the same command with a larger budget" in capfd.readouterr().err
        assert (len(server.calls), len(landed(run))) == (4, 4)
        assert run_here([*line, "--max-calls", "6"], monkeypatch) == 0
    assert len(landed(run)) == len({call.raw for call in server.calls}) == len(server.calls) == 10


def test_tokens_can_be_limited_from_the_command_line(tmp_path, monkeypatch, capfd):
    program, run = tmp_path / "program.json", tmp_path / "run"
    tiny_program().save(program)
    items = write_items(tiny_items(5), tmp_path / "items.jsonl")
    with lb.loopback(lb.ok(1)) as server:
        files = ["--program", program, "--items", items, "--out", run, "--model", f"tiny@{server.address}"]
        line = ["", "", "", "judge", *map(str, files), "--concurrency", "1", "--max-tokens", "250"]
        assert run_here(line, monkeypatch) == 4
    assert len(server.calls) == 3


PRICES = {"tiny": Price(input=1_000, output=10_000)}
COST_A_CALL = 0.09 + 0.1  # 90 prompt and 10 completion tokens


@pytest.mark.parametrize("concurrency", [1, 4])
def test_money_exceeds_its_budget_by_no_more_than_what_is_in_flight(tmp_path, concurrency):
    with lb.loopback(lb.ok(1)) as server:
        budget = Budget(max_cost=5 * COST_A_CALL - 0.01, prices=PRICES)
        result = judged(server, tmp_path / "run", 10, budget, concurrency=concurrency)
    assert 5 <= len(server.calls) <= 5 + concurrency - 1
    assert result.progress.budget.cost == pytest.approx(len(server.calls) * COST_A_CALL)


def test_a_cost_cannot_be_limited_where_the_price_is_not_known(tmp_path):
    with lb.loopback() as server, pytest.raises(InputError, match="the price of tiny is not known"):
        judged(server, tmp_path / "run", 1, Budget(max_cost=1.0, prices={"other": PRICES["tiny"]}))
    assert not server.calls


def test_tokens_without_a_price_are_in_no_sum_and_said(tmp_path):
    with lb.loopback(lb.ok(1)) as server:
        spent = judged(server, tmp_path / "run", 1, Budget(prices={"other": PRICES["tiny"]})).progress.budget
    assert (spent.cost, spent.unpriced) == (0.0, {"tiny": 2 * TOKENS_A_CALL})


def test_nothing_is_sent_once_the_time_is_over(tmp_path):
    passed = iter(range(100))
    budget = Budget(max_seconds=6, clock=lambda: float(next(passed)))  # each look at the clock takes a second
    with lb.loopback(lb.ok(1)) as server:
        result = judged(server, tmp_path / "run", 10, budget, concurrency=1)
        assert 0 < len(server.calls) < 6
        assert "seconds that the run may take have passed" in str(result.ratings[-1].value.detail)
        judged(server, tmp_path / "run", 10, Budget())
    assert len(server.calls) == len({call.raw for call in server.calls}) == 20


def test_cost_can_be_limited_from_the_command_line_and_is_told(tmp_path, monkeypatch, capfd):
    program, run, prices = tmp_path / "program.json", tmp_path / "run", tmp_path / "prices.yaml"
    tiny_program().save(program)
    prices.write_text("tiny@http://somewhere/v1: {input: 1000, output: 10000}\n")
    items = write_items(tiny_items(5), tmp_path / "items.jsonl")
    with lb.loopback(lb.ok(1)) as server:
        files = ["--program", program, "--items", items, "--out", run, "--model", f"tiny@{server.address}"]
        line = ["", "", "", "judge", *map(str, files), "--concurrency", "1", "--max-cost", "0.5"]
        assert run_here(line, monkeypatch) == 2
        assert "--max-cost needs --prices" in capfd.readouterr().err
        assert run_here([*line, "--prices", str(prices)], monkeypatch) == 4
        assert "cost: 0.5700" in capfd.readouterr().out
        assert run_here([*line[:-2], "--prices", str(prices), "--json"], monkeypatch) == 0
        assert json.loads(capfd.readouterr().out)["cost"] == pytest.approx(7 * COST_A_CALL)
    assert len(server.calls) == 10


@pytest.mark.parametrize("content", ["tiny: 3\n", "tiny: {input: 1}\n", "tiny: {input: -1, output: 1}\n", "- tiny\n"])
def test_a_file_that_holds_no_prices_is_refused_with_its_line(tmp_path, content):
    (tmp_path / "prices.yaml").write_text(content)
    with pytest.raises(InputError, match=r"prices\.yaml:1"):
        read_prices(tmp_path / "prices.yaml")
