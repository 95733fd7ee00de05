"""What is an estimate about?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from judgefair.statistics.estimate import Estimate

Population = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """An estimate and what it is about: criterion, population (None is overall), and for a gap the reference."""

    criterion: str
    population: Population | None
    contrast: Population | None
    estimate: Estimate

    def to_json(self) -> dict[str, Any]:
        """One flat object."""
        about = {"criterion": self.criterion, "population": self.population, "contrast": self.contrast}
        return {**about, **self.estimate.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Finding":
        """The finding that `to_json` wrote."""
        about = {name: data[name] for name in ("criterion", "population", "contrast")}
        return cls(**about, estimate=Estimate.from_json({name: value for name, value in data.items() if name not in about}))
