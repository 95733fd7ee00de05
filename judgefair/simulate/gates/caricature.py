"""Does the query bring topics that nobody asked for, because of who is meant to ask?"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import expit
from statsmodels.stats.proportion import proportion_confint

from judgefair.records import Query
from judgefair.rubric.context import Axis, Context
from judgefair.simulate.gates.readers import folds
from judgefair.simulate.gates.words import content_stems, declared_cues, neutral_queries, written_scenarios
from judgefair.simulate.plan import PARAPHRASE
from judgefair.statistics.estimate import Estimate

SOURCE = "after Cheng, Piccardi and Yang 2023 (CoMPosT); interval: Wilson 1927"
TIE = 1e-9
PENALTY_C = 30.0


@dataclass(frozen=True, slots=True)
class Reader:
    """How well the topics alone give one population away in one channel.

    Attributes
    ----------
    populations : the groups that its texts show, by axis.
    probabilities : by `query_id`, that the topics are a persona's and not those of the same question asked by nobody in particular.
    auc : how often it tells a text of the population from what it is compared with.
    """

    populations: Mapping[str, str]
    cue: str
    probabilities: Mapping[str, float]
    auc: Estimate


def caricature(queries: Sequence[Query], context: Context, seed: int = 0) -> dict[str, float]:
    """Probability that the query's topics are those of its persona, as far as the reader is shown to work; 0.5 is not to be told.

    A reader is believed no further than the lower limit of its AUC: the number is its probability, but no more than that
    limit, nor less than 0.5 on that account. So noise rejects nobody, and a population is rejected only on evidence. None for
    paraphrases, without a neutral query, and where fewer than two scenarios show the population.

    Notes
    -----
    Cheng, Piccardi and Yang (2023) call a simulation a caricature where it can be told from a default (individuation) and
    where what tells it are words of the persona more than of the topic, on an axis between the two in embeddings
    (exaggeration). Here the two are one number: only topic words are read at all, that is content words that stand in no cue of
    the rubric, so that what tells the text apart is neither the topic nor the cue that it was asked to show. Another
    difference: the default is the neutral query of the same scenario, and the other populations too. What a renderer
    adds whoever asks, such as a greeting, is no caricature; the price is that a stereotype laid on all populations alike is not found.
    """
    found: dict[str, float] = {}
    for reader in readers(queries, context, seed):
        believed = max(0.5, reader.auc.low)
        found |= {query_id: min(probability, believed) for query_id, probability in reader.probabilities.items()}
    return found


def readers(queries: Sequence[Query], context: Context, seed: int = 0, *, confidence: float = 0.95) -> list[Reader]:
    """A reader for each population and channel that shows in two scenarios or more, cross-fitted by scenario.

    Its `auc`, named `simulation.caricature_auc.<cue>`, is how often a text of the population gets a higher probability than
    another version of the same block, by the same reader, ties counting half. It has to tell the population from the neutral query,
    and from some other population: the value is the smaller of the two, and of the other populations the one that is told best
    counts. The interval is Wilson's, as if each scenario were told or not, which is rather too wide where there are ties, and at
    1 - (1 - confidence)/k where the best of k other populations counts (Bonferroni). It takes no notice that scenarios share a
    reader: on noise among 12 scenarios its lower limit lay over 0.5 in 7 % of the readers, and over the gate's limit in 0.6 %.
    """
    queries = sorted(queries, key=lambda query: query.query_id)
    neutral = neutral_queries(queries)
    shown: dict[tuple[str, Groups], list[Query]] = defaultdict(list)
    for query in queries:
        if query.cue and query.populations and query.placebo != PARAPHRASE and query.block_id in neutral:
            shown[query.cue, tuple(sorted(query.populations.items()))].append(query)
    texts = _Texts(_topics(queries, context.populations), written_scenarios(queries, context), seed, confidence)
    found = []
    for (cue, groups), personas in sorted(shown.items()):
        if len({texts.scenario(query) for query in personas}) > 1:
            others = _others(cue, groups, shown)
            found.append(
                _reader([Versions(query, neutral[query.block_id], others.get(query.block_id, {})) for query in personas], texts)
            )
    return found


Groups = tuple[tuple[str, str], ...]
"""The group of each axis that a text shows."""


@dataclass(frozen=True, slots=True)
class Versions:
    """A text of the population, the same question asked by nobody in particular, and the same asked by other populations."""

    persona: Query
    neutral: Query
    others: Mapping[Groups, Query]


@dataclass(frozen=True, slots=True)
class _Texts:
    """What the reader sees of each query, and how it learns."""

    topics: Mapping[str, frozenset[str]]
    written: Mapping[str, str]
    seed: int
    confidence: float

    def topic(self, query: Query) -> frozenset[str]:
        return self.topics[query.query_id]

    def scenario(self, query: Query) -> str:
        return self.written[query.scenario_id]


def _topics(queries: Sequence[Query], axes: Sequence[Axis]) -> dict[str, frozenset[str]]:
    cued = {stem for text in declared_cues(axes) for stem in content_stems(text)}
    return {query.query_id: content_stems(query.text) - cued for query in queries}


def _others(cue: str, groups: Groups, shown: Mapping[tuple[str, Groups], Sequence[Query]]) -> dict[str, dict[Groups, Query]]:
    """By block, what each other population of the same axes asks through the same channel."""
    found: dict[str, dict[Groups, Query]] = defaultdict(dict)
    for (channel, theirs), queries in shown.items():
        if channel == cue and theirs != groups and dict(theirs).keys() == dict(groups).keys():
            for query in queries:
                if query.placebo is None:
                    found[query.block_id][theirs] = query
    return found


def _reader(blocks: Sequence[Versions], texts: _Texts) -> Reader:
    probability = _cross_fitted(blocks, texts)
    scenarios = [texts.scenario(versions.persona) for versions in blocks]

    def told(compared: Sequence[Query | None]) -> float:
        """How often the persona's text has the higher probability: the mean over scenarios of the mean within them."""
        wins: dict[str, list[float]] = defaultdict(list)
        for versions, scenario, other in zip(blocks, scenarios, compared, strict=True):
            if other is not None:
                gap = probability[versions.persona.query_id] - probability[other.query_id]
                wins[scenario].append(1.0 if gap > TIE else 0.5 if gap > -TIE else 0.0)
        return float(np.mean([np.mean(won) for won in wins.values()]))

    populations = sorted({groups for versions in blocks for groups in versions.others})
    value, k, against = told([versions.neutral for versions in blocks]), 1, "the neutral query"
    if populations:
        best = max(told([versions.others.get(groups) for versions in blocks]) for groups in populations)
        if best < value:
            value, k, against = best, len(populations), f"the best told of {len(populations):,} other populations"
    n = len(set(scenarios))
    low, high = proportion_confint(value * n, n, alpha=(1 - texts.confidence) / k, method="wilson")
    first = blocks[0].persona
    auc = Estimate(
        f"simulation.caricature_auc.{first.cue}", value, float(low), float(high), level=texts.confidence, n_items=len(blocks),
        n_clusters=n, seed=texts.seed, source=SOURCE,
        method=f"logistic regression on topic words, cross-fitted by scenario; against {against}, within blocks; Wilson interval, {n:,} scenarios",
    )  # fmt: skip
    own = {versions.persona.query_id: probability[versions.persona.query_id] for versions in blocks}
    return Reader(first.populations, str(first.cue), own, auc)


def _cross_fitted(blocks: Sequence[Versions], texts: _Texts) -> dict[str, float]:
    """By `query_id`, the probability that a text is a persona's, for every text of the blocks."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    queries, label, weight = _rows(blocks)
    plain = {versions.persona.block_id: texts.topic(versions.neutral) for versions in blocks}
    if all(texts.topic(query) == plain[query.block_id] for query in queries):
        return {query.query_id: 0.5 for query in queries}  # where both sides are the same, this is the optimum
    features = TfidfVectorizer(analyzer=sorted, binary=True).fit_transform(texts.topic(query) for query in queries)
    fold = folds([texts.scenario(query) for query in queries], texts.seed)
    found: dict[str, float] = {}
    for held_out in range(fold.max() + 1):
        taught, read = fold != held_out, np.flatnonzero(fold == held_out)
        coefficients = fit(features[taught], label[taught], weight[taught])
        for row, logit in zip(read.tolist(), features[read] @ coefficients[:-1] + coefficients[-1], strict=True):
            found[queries[row].query_id] = float(expit(logit))
    return found


def _rows(blocks: Sequence[Versions]) -> tuple[list[Query], NDArray[np.float64], NDArray[np.float64]]:
    """The texts of the blocks, 1 for a persona's and 0 for the others, and their weight in training.

    What a text is compared with weighs as much as the text: the neutral query one half, and the other populations together the other.
    """
    compared: dict[str, float] = defaultdict(float)
    queries: dict[str, Query] = {}
    for versions in blocks:
        compared[versions.neutral.query_id] += 0.5 if versions.others else 1.0
        for other in versions.others.values():
            compared[other.query_id] += 0.5 / len(versions.others)
        queries |= {query.query_id: query for query in (versions.neutral, *versions.others.values())}
    personas = [versions.persona for versions in blocks]
    label = np.repeat([1.0, 0.0], [len(personas), len(queries)])
    return [*personas, *queries.values()], label, np.array([1.0] * len(personas) + [compared[query_id] for query_id in queries])


def fit(features: Any, label: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coefficients, and last the intercept, of a penalised logistic regression in which no coefficient is negative.

    What a text brings may give its population away, and what it lacks may not: else a population would be told by the
    stereotypes that are laid on the others.
    """

    def loss(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logit = features @ at[:-1] + at[-1]
        off = PENALTY_C * weight * (expit(logit) - label)
        total = PENALTY_C * weight @ (np.logaddexp(0, logit) - label * logit) + at[:-1] @ at[:-1] / 2
        return float(total), np.append(features.T @ off + at[:-1], off.sum())

    n = features.shape[1]
    bounds = [(0, None)] * n + [(None, None)]
    return np.asarray(optimize.minimize(loss, np.zeros(n + 1), jac=True, method="L-BFGS-B", bounds=bounds).x)
