"""What the fault suite shares: one seed, from which everything that goes wrong follows."""

import random

import pytest

from tests.faults.hostile_server import SEED

pytest.register_assert_rewrite("tests.faults.checks")


def pytest_report_header() -> str:
    return f"fault suite: JUDGEFAIR_FAULT_SEED={SEED}"


@pytest.fixture(params=[SEED], ids=lambda seed: f"seed {seed}")
def seed(request: pytest.FixtureRequest) -> int:
    """JUDGEFAIR_FAULT_SEED, which stands in the names of the tests too."""
    return request.param


@pytest.fixture
def rng(seed: int, request: pytest.FixtureRequest) -> random.Random:
    """Random numbers of this test alone."""
    return random.Random(f"{seed} {request.node.name}")
