"""Whose content do the answers name, and is it the share that it was declared to have?"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from judgefair.lenses._look import DoesNotExtend, Look, Seen
from judgefair.lenses._rated import excludes_zero
from judgefair.lenses._texts import any_of
from judgefair.rubric.context import Exposure
from judgefair.statistics.estimate import Estimate, signed, undefined
from judgefair.statistics.finding import Finding
from judgefair.statistics.rate_gap import Words, clustered_share, share_estimate
from judgefair.statistics.resample import Floats

NAME = "multi_sided"
FRAMEWORK = "Multi-sided fairness: those whose content is drawn on are served as well as those who ask."
SOURCE = (
    "Burke 2017, Multisided Fairness for Recommendation; Mehrotra, McInerney, Bouchard, Lalmas and Diaz 2018; exposure against what is "
    "deserved: Biega, Gummadi and Weikum 2018, Equity of Attention"
)
CAN = (
    "How often answers in this context name anybody whose content they may draw on, what share of that each declared producer has against "
    "the declared targets, how often a name comes with an address, and all this for each population of those who ask."
)
CANNOT = (
    "A name is no reader, payment or credit: what is drawn on without a name is not seen, nor is what is said of a producer, nor where in "
    "the answer; a name is found as the rubric writes it, and nothing says that a declared target is the right one."
)
ADDRESS = re.compile(
    r"https?://\S+|www\.\S+|(?<![\w.])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:com|org|net|edu|gov|int|info|[a-z]{2})(?!\w)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Named:
    """(n, n_producers) whether each response names a producer, and whether an address stands beside it; and which rows are answers."""

    named: NDArray[np.bool_]
    referred: NDArray[np.bool_]
    is_answer: NDArray[np.bool_]


def look(seen: Seen) -> Look:
    """`attribution`, and by producer `exposure`, `referral` and, against each target, `shortfall`; overall and by population."""
    exposure = seen.rubric.context.exposure
    if exposure is None:
        raise DoesNotExtend(
            "the rubric declares no producers whose content the answers draw on. It would need `exposure` in its context: producers with "
            "what names them, and a target of their shares"
        )
    found = _read(seen, exposure)
    if not found.is_answer.any():
        raise DoesNotExtend("the system answered nothing in which a producer could be named. It would need responses")
    findings, says = [], [*_conflicts(exposure)]
    for told, said in [_side(seen, exposure, found, {}, found.is_answer), *_of_populations(seen, exposure, found)]:
        findings += told
        says += said
    return Look(findings, says)


def _of_populations(seen: Seen, exposure: Exposure, found: _Named) -> Iterator[tuple[list[Finding], list[str]]]:
    n = len(seen.facts)
    for axis in seen.rubric.context.populations:
        group_of = seen.groups(axis)[:n]
        for group in axis.groups:
            rows = found.is_answer & seen.columns.is_whole[:n] & (group_of == group)
            if rows.any():
                yield _side(seen, exposure, found, {axis.axis: group}, rows)


def _read(seen: Seen, exposure: Exposure) -> _Named:
    """Placebo arms are left out: they repeat an arm that is counted."""
    producers = list(exposure.producers)
    mentions = Mentions(exposure, seen.rubric.context.languages)
    is_answer = ~seen.facts.no_response.is_there & ~seen.facts.meta["placebo"].is_there
    named, referred = (np.zeros((len(seen.facts), len(producers)), dtype=bool) for _ in range(2))
    for row, item in enumerate(seen.items):
        if is_answer[row]:
            for name, has_address in mentions.of(item.response).items():
                named[row, producers.index(name)] = True
                referred[row, producers.index(name)] = has_address
    return _Named(named, referred, is_answer)


class Mentions:
    """Finds the producers that a text names.

    What the rubric writes as an address is found in letters of either case, all else as it is written: "Time" is no time.
    """

    def __init__(self, exposure: Exposure, languages: Sequence[str]) -> None:
        self._names = {_plain(text): name for name, texts in exposure.producers.items() for text in texts}
        self._addresses = {text.casefold(): name for text, name in self._names.items() if ADDRESS.fullmatch(text)}
        names = [text for text in self._names if text.casefold() not in self._addresses]
        self._pattern = re.compile(f"(?i:{any_of(self._addresses, languages)})|{any_of(names, languages)}")

    def of(self, text: str) -> dict[str, bool]:
        """By producer that is named, whether an address stands beside its name: one is beside the nearest name of its line."""
        found: dict[str, bool] = {}
        for line in text.splitlines():
            named = [(match.start(), match.end(), self._whose(match[0])) for match in self._pattern.finditer(line)]
            found |= {name: found.get(name, False) for _, _, name in named}
            for address in ADDRESS.finditer(line) if named else ():
                first, last = address.span()
                nearest = min(named, key=lambda name: max(name[0] - last, first - name[1], 0))
                found[nearest[2]] = True
        return found

    def _whose(self, text: str) -> str:
        written = _plain(text)
        return self._names[written] if written in self._names else self._addresses[written.casefold()]


def _plain(text: str) -> str:
    return " ".join(text.replace("’", "'").split())


def _conflicts(exposure: Exposure) -> Iterator[str]:
    """Targets that no exposure meets together."""
    for (one, shares), (other, wanted) in combinations(exposure.targets.items(), 2):
        apart = {name: abs(shares.get(name, 0.0) - wanted.get(name, 0.0)) for name in exposure.producers}
        widest = max(apart, key=lambda name: apart[name])
        if apart[widest] > 1e-6:
            yield (
                f"The targets {one} and {other} cannot both be met: they differ by up to {apart[widest]:.2f} of all exposure, for {widest}."
            )


def _side(
    seen: Seen, exposure: Exposure, found: _Named, who: Mapping[str, str], rows: NDArray[np.bool_]
) -> tuple[list[Finding], list[str]]:
    """Of all who ask, or of one population."""
    named = found.named[rows]
    n_named = named.sum(axis=1)
    about = "".join(f"{axis}, {group}: " for axis, group in who.items())
    absorbed = (
        ""
        if n_named.any()
        else f"absorbed: none of {len(named):,} answers names a producer, so that there is no exposure to share"
    )
    tell = _Teller(seen, seen.columns.units[: len(rows)][rows], absorbed)
    attribution = tell(
        "attribution", (n_named > 0).astype(float), np.ones(len(named), dtype=bool), "answers", "there is no answer"
    )
    findings = [Finding("all", dict(who) or None, None, attribution)]
    says = [f"{about}{absorbed}; this is no parity."] if absorbed else []
    for place, name in enumerate(exposure.producers):
        population = {"producer": name, **who}
        share = named[:, place] / np.maximum(n_named, 1)
        shown = tell("exposure", share, n_named > 0, "the producers named in answers, each answer counting once", absorbed)
        referral = tell(
            "referral", found.referred[rows][:, place].astype(float), named[:, place], f"answers that name {name}",
            absorbed or f"no answer names {name}",
        )  # fmt: skip
        findings += [Finding("all", population, None, each) for each in (shown, referral)]
        for target, shares in exposure.targets.items():
            short = _shortfall(shown, target, shares.get(name))
            findings.append(Finding("all", population, {"target": target}, short))
            if excludes_zero(short):
                says.append(
                    f"{about}{name} has {shown.value:.2f} of the exposure, {signed(short.value)} against the target {target} "
                    f"({signed(short.low)} to {signed(short.high)}, this producer alone)."
                )
    return findings, says


@dataclass(frozen=True, slots=True)
class _Teller:
    seen: Seen
    units: np.ndarray
    absorbed: str

    def __call__(self, what: str, values: Floats, counted: NDArray[np.bool_], of: str, absent: str) -> Estimate:
        """The mean of values within 0 and 1 over the counted rows, as a share."""
        unit = "scenarios" if self.seen.columns.has_scenarios else "items"
        n_units = int(self.units.max(initial=-1)) + 1
        share = clustered_share(values[counted], self.units[counted], n_units, self.seen.confidence, Words(of, unit, absent))
        return share_estimate(f"lens.{NAME}.{what}", share)


def _shortfall(shown: Estimate, target: str, share: float | None) -> Estimate:
    """Exposure minus what the target grants."""
    estimand = f"lens.{NAME}.shortfall"
    if share is None:
        return undefined(estimand, f"the target {target} says nothing of this producer")
    method = (
        shown.method
        if not shown.is_defined
        else f"{shown.method}; minus the share of {share:.3g} that the target {target} grants"
    )
    return replace(
        shown, estimand=estimand, value=shown.value - share, low=shown.low - share, high=shown.high - share, method=method
    )
