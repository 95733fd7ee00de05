"""What do all lenses see in a run? Each says what it can and cannot claim, and computes or refuses with the reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from judgefair import plugins
from judgefair.lenses._look import DoesNotExtend, Seen
from judgefair.statistics.finding import Finding


@dataclass(frozen=True, slots=True)
class Lensed:
    """What one lens saw.

    Attributes
    ----------
    framework, source, can, cannot : in words; what it can and cannot claim.
    reason : why it does not extend to the run; "" where it was computed.
    findings : `lens.<name>.*`.
    says : what follows in words.
    """

    name: str
    framework: str
    source: str
    can: str
    cannot: str
    reason: str
    findings: Sequence[Finding]
    says: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        told = {name: getattr(self, name) for name in ("name", "framework", "source", "can", "cannot", "reason")}
        return told | {"findings": [finding.to_json() for finding in self.findings], "says": list(self.says)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Lensed":
        """What `to_json` wrote."""
        return cls(**{**data, "findings": [Finding.from_json(finding) for finding in data["findings"]]})


def look_through(seen: Seen, names: Sequence[str] | None = None) -> list[Lensed]:
    """What each lens sees, in order of their names; all that are there where none is named."""
    found = []
    for name in plugins.names("lenses") if names is None else names:
        lens = plugins.load("lenses", name)
        said = (name, lens.FRAMEWORK, lens.SOURCE, lens.CAN, lens.CANNOT)
        try:
            look = lens.look(seen)
        except DoesNotExtend as reason:
            found.append(Lensed(*said, str(reason), [], []))
        else:
            found.append(Lensed(*said, "", list(look.findings), list(look.says)))
    return found
