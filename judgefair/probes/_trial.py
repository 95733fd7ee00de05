"""What does a probe put to the judge? Versions of the same items, to which a sound judge gives the same rating.

A probe is one file of this folder, or an entry point of the group `judgefair.probes`, whose module has

QUESTION : str, what is asked of the judge, in one sentence.
CHANGE, PLACEBO : str, what is changed, and what is changed in a way that means nothing ("none" where no placebo exists).
IS_DIRECTED : bool, whether a change has a direction (up or down); without one magnitudes are compared.
make(material) -> Trial : the versions; raises `CannotProbe` where this probe says nothing of these items.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from judgefair.compile.program import JudgeProgram
from judgefair.records import Item
from judgefair.rubric.rubric import Rubric


class CannotProbe(Exception):  # noqa: N818 - an answer, not an error: it is printed as the reason
    """This probe cannot be put to these items; the message says why, and what it would need."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a probe may work with.

    Attributes
    ----------
    program : the judge program under test.
    items : what is rated; ids are unique.
    judge : name of the model that judges.
    seed : of every draw.
    paraphrased : the same rubric in other words, where somebody wrote one.
    """

    program: JudgeProgram
    items: Sequence[Item]
    judge: str
    seed: int = 0
    paraphrased: Rubric | None = None

    @property
    def rubric(self) -> Rubric:
        """The rubric of the program."""
        return self.program.rubric

    @property
    def answered(self) -> list[Item]:
        """The items that have a response to rate; CannotProbe where there is none."""
        found = [item for item in self.items if item.no_response is None and item.response.strip()]
        if not found:
            raise CannotProbe("no item has a response. It would need items with a text to rate")
        return found


@dataclass(frozen=True, slots=True)
class Version:
    """One way of putting items to the judge.

    Attributes
    ----------
    items : under the ids of the items that they are versions of; an item may be left out, and is then compared with nothing.
    program : None is the program under test.
    replicate : 0 or 1, which of two replies to the same question, both sampled at the replicates' temperature; all versions of
        a trial that have one have the same items and program. None asks once, at temperature 0.
    order : one of `ORDERS`, of items that hold two responses and are as they are: what is said with these in that order. None
        takes both orders together.
    """

    items: Sequence[Item]
    program: JudgeProgram | None = None
    replicate: int | None = None
    order: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """The versions that are compared, item by item.

    Attributes
    ----------
    changed, placebo : compared with `base`; no placebo where none exists.
    base : the items as they are, where left out.
    populations : by item_id, the one population by axis that an item is counted under, as where the probe put its cue in; items
        that are not named are counted under what they say themselves.
    change : what is changed, where this trial can say more of it than `CHANGE`.
    """

    changed: Version
    placebo: Version | None
    base: Version | None = None
    populations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    change: str = ""

    def versions(self) -> Iterator[tuple[str, Version]]:
        """The versions that this probe needs beyond the items as they are, by name."""
        for name, version in (("base", self.base), ("changed", self.changed), ("placebo", self.placebo)):
            if version is not None:
                yield name, version
