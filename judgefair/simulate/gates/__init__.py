"""May a simulated query stand for its population? Eight gates, each a number kept with the query, each in its own file."""

from judgefair.simulate.gates.limits import LIMITS, Limit, failed, is_within
from judgefair.simulate.gates.measure import measure

__all__ = ["LIMITS", "Limit", "failed", "is_within", "measure"]
