"""Where is the work of a stage done? In this process, by the server as a batch, or on a Ray cluster."""

from judgefair.runs.engines.engine import Engine
from judgefair.runs.engines.local import local

__all__ = ["Engine", "local"]
