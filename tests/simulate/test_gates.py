"""Do the gates pass what renders a population naturally, and reject what does not? Made up: nobody is described."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import nan, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import LogisticRegression

from judgefair.records import Query
from judgefair.rubric.context import Context
from judgefair.simulate.gates import LIMITS, failed, is_within, measure
from judgefair.simulate.gates.caricature import PENALTY_C, Versions, _rows, fit, readers
from judgefair.simulate.gates.duplicate import PERMUTATIONS, duplicate, shingles
from tests.builders import tiny_rubric

CUES = {
    "hill": {"name": ["My name is Alder Ridge.", "This is Ash Ridge writing."], "situation": ["I grew up on a farm in the hills."]},
    "shore": {"name": ["My name is Pearl Sands.", "This is Coral Sands writing."], "situation": ["I grew up in a harbour by the sea."]},
    "plain": {"name": ["My name is Barley Field.", "This is Rye Field writing."], "situation": ["I grew up in a village on the plain."]},
}  # fmt: skip
ASKED = {
    "heater": ("My heater makes a loud noise after 15 minutes and then stops. What should I check first?", "heater stops"),
    "passport": ("I need a new passport before the 24 June. How long does the office take to send it?", "new passport"),
    "essay": ("Can you look over my essay about city parks? It has 3 paragraphs and the ending is weak.", "ending is weak"),
    "bread": ("My bread does not rise although I waited for 2 hours. Is the yeast too old?", "bread does not rise"),
    "loan": ("The bank offers me a loan of 5000 over four years. How do I compare the interest?", "loan over four years"),
    "garden": ("Tomatoes on my balcony get yellow leaves in August. Do they want more water or less?", "yellow leaves"),
    "phone": ("My phone is empty by 14:30 every day. Could a worn battery explain that?", "phone is empty"),
    "train": ("I missed the connection because the first train was 40 minutes late. Can I claim money back?", "train was late"),
    "chess": ("How do I answer an early attack by the queen in chess without losing a pawn?", "attack by the queen"),
    "paint": ("The paint in the bathroom comes off above the shower. Which primer holds in steam?", "paint comes off"),
    "letter": ("Please help me write a letter to my landlord about a broken window and the cold.", "broken window"),
    "school": ("My son starts school in September and reads slowly. Which books would you choose for him?", "reads slowly"),
}
FISH = ["mackerel", "lobster", "trawler", "lighthouse", "seaweed", "herring"]
WOODS = ["timber", "sawmill", "goat", "cheese", "woodcutter", "avalanche"]

Rewrite = Callable[[str, str, random.Random], str]


def context(scenarios: Iterable[str] = ASKED, cues: Mapping[str, Mapping[str, list[str]]] = CUES) -> Context:
    """One axis, `place`, and scenarios with one fact each."""
    axis = {"axis": "place", "reference": "hill", "groups": {group: {"cues": dict(own)} for group, own in cues.items()}}
    asked = [{"id": name, "intent": "Get help", "facts": {"what": ASKED[name][1]}} for name in scenarios]
    return Context.model_validate(tiny_rubric().context.model_dump() | {"populations": [axis], "scenarios": asked})


def query(text: str, scenario: str = "s1", arm: str = "neutral", **known: object) -> Query:
    """One query; in an arm of its own name, which shows nothing unless told."""
    shown = {"cue": None, "placebo": None, "populations": {}} | known
    return Query(f"{scenario}/{arm}", scenario, f"block of {scenario}", arm, turns=(text,), **shown)  # type: ignore[arg-type]


def natural(scenarios: Iterable[str] = ASKED, rewrite: Rewrite = lambda text, _group, _rng: text) -> list[Query]:
    """Every scenario as it is, and for each group and channel after a cue; `rewrite` changes what stands after the cue."""
    rng = random.Random(1)
    found = []
    for number, name in enumerate(scenarios):
        text = ASKED[name][0]
        found.append(query(text, name))
        for group, channels in CUES.items():
            for cue, said in channels.items():
                told = f"{said[number % len(said)]} {rewrite(text, group, rng)}"
                found.append(query(told, name, f"{group} {cue}", cue=cue, populations={"place": group}))
    return found


def brings(*words: str, to: Sequence[str]) -> Rewrite:
    """Some groups speak of things that nobody asked about."""
    return lambda text, group, rng: f"{text} We think of {' and '.join(rng.sample(words, 3))}." if group in to else text


def rejected(queries: Sequence[Query], found: Mapping[str, Mapping[str, float]]) -> dict[str, set[str]]:
    """By gate, the arms that fail it in some block."""
    gates: dict[str, set[str]] = {}
    for each in queries:
        if gate := failed(found[each.query_id]):
            gates.setdefault(gate, set()).add(each.arm)
    return gates


# Natural renderings


def test_a_natural_rendering_passes_every_gate() -> None:
    queries = natural()
    found = measure(queries, context())
    assert rejected(queries, found) == {}
    assert all(found[each.query_id].keys() == LIMITS.keys() for each in queries if each.populations)
    for gate, number in {"intent": 1, "facts": 1, "caricature": 0.5, "diversity": 1}.items():
        assert [found[each.query_id][gate] for each in queries if each.populations] == pytest.approx([number] * 72, abs=1e-12)


def test_a_neutral_query_is_held_against_nothing_but_its_language_and_its_like() -> None:
    queries = natural()
    found = measure(queries, context())
    assert {tuple(found[each.query_id]) for each in queries if each.arm == "neutral"} == {("language", "duplicate")}


def test_without_a_neutral_query_there_is_nothing_to_compare_with() -> None:
    queries = [each for each in natural() if each.populations]
    assert {tuple(numbers) for numbers in measure(queries, context()).values()} == {("language", "duplicate", "cue")}


def test_gates_that_compare_words_have_no_number_where_a_language_does_not_part_words() -> None:
    texts = {"a": "请帮我看看这封信。", "b": "火车晚点了怎么办?"}
    queries = [query(text, name, language="zh") for name, text in texts.items()]
    queries += [
        query(f"我是山里人。{text}", name, "hill name", cue="name", populations={"place": "hill"}, language="zh")
        for name, text in texts.items()
    ]
    found = measure(queries, context())
    assert {tuple(numbers) for numbers in found.values()} == {("language",)}
    assert rejected(queries, found) == {}


# Intent, facts, length: by hand


def test_intent_is_the_share_of_content_words_that_are_kept_whatever_their_inflection() -> None:
    asked = query("Are school uniforms required for all the students?")  # school, uniform, requir, student
    free = query("Do the students have to be in uniform?", arm="hill name", populations={"place": "hill"}, cue="name")
    assert measure([asked, free], context())[free.query_id]["intent"] == 2 / 4


def test_an_off_topic_rewrite_fails_intent_and_no_other_arm_does() -> None:
    queries = natural()
    index = next(i for i, each in enumerate(queries) if each.query_id == "garden/shore name")
    queries[index] = replace(
        queries[index], turns=("My name is Pearl Sands. Who won the football cup last weekend, and by how many goals?",)
    )
    assert rejected(queries, measure(queries, context())) == {"intent": {"shore name"}}


def test_a_paraphrase_is_held_to_its_facts_and_not_to_its_words() -> None:
    asked = query("My son starts school and reads slowly.", "school")
    said = replace(query("Our boy is a slow reader; lessons begin soon.", "school", "placebo"), placebo="paraphrase", cue="name")
    found = measure([asked, said], context())[said.query_id]
    assert "intent" not in found
    assert found["facts"] == 0  # reads and slowly are both other words here


def test_facts_are_facts_and_numbers_that_the_neutral_query_states_and_this_one_keeps() -> None:
    # Stated: "heater stops" (both words), 15. A rewrite that keeps the fact, drops 15 and brings 20 keeps 1 of 1 + 1 + 1.
    asked = query("My heater stops after 15 minutes.", "heater")
    said = query("After 20 minutes my heater is stopping.", "heater", "hill name")
    assert measure([asked, said], context())[said.query_id]["facts"] == 1 / 3


def test_a_fact_that_the_neutral_query_does_not_state_is_not_asked_for() -> None:
    asked, said = query("It is cold.", "heater"), query("I am cold.", "heater", "hill name")
    assert "facts" not in measure([asked, said], context())[said.query_id]


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("In a survey 19 of 24 said so.", True),
        ("In a survey 24 of 19 said so, 10 years ago.", True),  # 10 stands in a cue; the order is not read
        ("In a survey 19 said so.", False),
        ("In a survey 19 of 25 said so.", False),
        ("In a survey 19 of 24 said so, or 79 percent.", False),
        ("In a survey nineteen of 24 said so.", False),
    ],
)
def test_a_number_lost_or_changed_or_added_fails_facts(text: str, passes: bool) -> None:
    library = tiny_rubric().context  # one of its cues: I am 10 years old
    asked, said = query("In a survey 19 of 24 said so."), query(text, arm="child explicit")
    assert is_within("facts", measure([asked, said], library)[said.query_id]["facts"]) is passes


def test_a_version_of_a_scenario_has_the_scenarios_facts() -> None:
    asked, said = query("The heater stops.", "heater-002"), query("It is cold.", "heater-002", "hill name")
    assert measure([asked, said], context())[said.query_id]["facts"] == 0


def test_length_is_the_number_of_words_over_that_of_the_neutral_query() -> None:
    asked, said = query("Where is it?"), query("Pearl here. Where is it, please?", arm="shore name")
    assert measure([asked, said], context())[said.query_id]["length"] == 6 / 3


# Cue


def test_a_cue_that_is_not_shown_fails_the_cue_and_no_other_arm_does() -> None:
    queries = natural()
    hidden = [
        replace(each, turns=(ASKED[each.scenario_id][0],)) if each.query_id == "loan/shore name" else each for each in queries
    ]
    assert rejected(hidden, measure(hidden, context())) == {"cue": {"shore name"}}


def test_texts_that_are_the_same_in_all_groups_are_read_by_chance() -> None:
    # Three groups with equal texts: no weight helps, so that the reader gives each group 1/3, which is 1 times chance.
    bare = context(cues={group: {} for group in CUES})
    queries = [replace(each, turns=(ASKED[each.scenario_id][0],)) for each in natural()]
    found = measure(queries, bare)
    assert [found[each.query_id]["cue"] for each in queries if each.populations] == pytest.approx([1] * 72, abs=1e-3)
    assert not is_within("cue", 1.001)


def test_no_scenario_is_read_by_a_reader_that_learnt_from_it() -> None:
    # Words of their own for each scenario and group, the same in two arms: who had seen the other arm would know the group.
    rng = random.Random(3)
    bare = context(cues={group: {} for group in CUES})
    code = {
        (name, group): " ".join("".join(rng.choices("bdfglmnrst", k=8)) for _ in range(4)) for name in ASKED for group in CUES
    }
    queries = [
        query(said, name, f"{group} {arm}", cue="name", populations={"place": group})
        for (name, group), said in code.items()
        for arm in ("once", "again")
    ]
    assert np.mean([numbers["cue"] for numbers in measure(queries, bare).values()]) < 1.2


def test_a_name_that_no_other_scenario_bears_is_known_from_the_rubric() -> None:
    rng = random.Random(5)
    names = {group: ["".join(rng.choices("bdfglmnrst", k=8)) for _ in ASKED] for group in CUES}
    queries = [
        query(f"{names[group][k]} here. {text}", name, f"{group} name", cue="name", populations={"place": group})
        for k, (name, (text, _)) in enumerate(ASKED.items())
        for group in CUES
    ]
    known, unknown = context(cues={group: {"name": names[group]} for group in CUES}), context(cues={group: {} for group in CUES})
    assert min(numbers["cue"] for numbers in measure(queries, known).values()) > LIMITS["cue"].low
    assert np.mean([numbers["cue"] for numbers in measure(queries, unknown).values()]) < LIMITS["cue"].low


def test_a_query_that_shows_two_axes_has_the_number_of_the_one_that_is_read_worse() -> None:
    second = {
        "axis": "age",
        "reference": "old",
        "groups": {"old": {"cues": {"name": ["I am 80."]}}, "young": {"cues": {"name": ["I am 18."]}}},
    }
    one = context()
    two = Context.model_validate(one.model_dump() | {"populations": [one.model_dump()["populations"][0], second]})
    queries = [
        query(f"{CUES[group]['name'][0]} {second['groups'][age]['cues']['name'][0] if shown else ''} {ASKED[name][0]}", name,  # type: ignore[index]
              f"{group} {age} {shown}", cue="name", populations={"place": group, "age": age})
        for name in ASKED for group in CUES for age in ("old", "young") for shown in ([True, False] if name == "loan" else [True])
    ]  # fmt: skip
    found = measure(queries, two)
    assert all(is_within("cue", found[each.query_id]["cue"]) == each.arm.endswith("True") for each in queries)


@pytest.mark.parametrize("keep", [lambda each: each.scenario_id == "loan", lambda each: each.populations == {"place": "shore"}])
def test_one_scenario_or_one_group_cannot_be_read(keep: Callable[[Query], bool]) -> None:
    queries = [each for each in natural() if keep(each)]
    assert all("cue" not in numbers for numbers in measure(queries, context()).values())


# Caricature


def test_a_stereotyped_population_fails_caricature_and_no_other_does() -> None:
    queries = natural(rewrite=brings(*FISH, to=["shore"]))
    found = measure(queries, context())
    assert rejected(queries, found) == {"caricature": {"shore name", "shore situation"}}
    stereotyped = [each for each in queries if each.populations.get("place") == "shore"]
    assert np.mean([failed(found[each.query_id]) == "caricature" for each in stereotyped]) > 0.9
    others = [found[each.query_id]["caricature"] for each in queries if each.populations and each not in stereotyped]
    assert max(others) <= 0.5


def test_a_stereotype_that_two_populations_share_is_found_in_both_and_not_in_the_third() -> None:
    queries = natural(rewrite=brings(*FISH, to=["shore", "hill"]))
    auc = {(reader.populations["place"], reader.cue): reader.auc for reader in readers(queries, context())}
    assert {key for key, each in auc.items() if each.low > 0.65} == {
        (group, cue) for group in ("shore", "hill") for cue in ("name", "situation")
    }
    assert auc["plain", "name"].value == 0.5


def test_what_a_renderer_adds_whoever_asks_is_no_caricature() -> None:
    queries = natural(rewrite=brings("greetings", "gratitude", "regards", to=list(CUES)))
    assert rejected(queries, measure(queries, context())) == {}


def test_a_population_is_not_told_by_the_stereotypes_of_the_others() -> None:
    def rewrite(text: str, group: str, rng: random.Random) -> str:
        polite = brings("greetings", "gratitude", "regards", "wishes", "kindness", to=list(CUES))(text, group, rng)
        return brings(*FISH, *WOODS[:2], to=["shore", "hill"])(polite, group, rng)

    queries = natural(rewrite=rewrite)
    found = measure(queries, context())
    assert all(not arm.startswith("plain") for arm in rejected(queries, found)["caricature"])
    assert all(reader.auc.low < 0.65 for reader in readers(queries, context()) if reader.populations["place"] == "plain")


@pytest.mark.parametrize("seed", range(3))
def test_words_that_come_by_chance_reject_nobody(seed: int) -> None:
    rng = random.Random(seed)
    queries = natural(rewrite=lambda text, _group, _rng: f"{text} {' '.join(rng.sample(FISH + WOODS, 3))}")
    assert "caricature" not in rejected(queries, measure(queries, context()))


def test_four_scenarios_are_too_few_to_call_a_population_a_caricature() -> None:
    queries = natural(list(ASKED)[:4], brings(*FISH[:3], to=["shore"]))
    (reader,) = [r for r in readers(queries, context()) if r.cue == "name" and r.populations["place"] == "shore"]
    assert reader.auc.value == 1
    assert rejected(queries, measure(queries, context())) == {}


def test_a_reader_is_believed_no_further_than_it_is_shown_to_work() -> None:
    queries = natural(rewrite=brings(*FISH, to=["shore"]))
    found = measure(queries, context())
    # 12 scenarios of 12 told from the neutral query; scipy 1.17.1 shares no code with the interval of statsmodels.
    limit = stats.binomtest(12, 12).proportion_ci(0.95, method="wilson").low
    for reader in readers(queries, context()):
        if reader.populations == {"place": "shore"}:
            assert (reader.auc.value, reader.auc.low, reader.auc.n_clusters) == (1, pytest.approx(limit), 12)
            assert reader.auc.estimand == f"simulation.caricature_auc.{reader.cue}"
            for query_id, probability in reader.probabilities.items():
                assert found[query_id]["caricature"] == pytest.approx(min(probability, limit))


def test_the_share_that_is_told_is_the_mean_over_scenarios_and_ties_count_half() -> None:
    # Only half of the scenarios bring fish: they are told, the others tie with the neutral query, and of the other
    # populations none is told better: 6 * 1 + 6 * 0.5 of 12.
    half = set(list(ASKED)[::2])
    queries = [
        replace(each, turns=(f"{each.text} Mackerel, lobster.",))
        if each.scenario_id in half and each.arm == "shore name"
        else each
        for each in natural()
    ]
    (auc,) = [r.auc for r in readers(queries, context()) if r.cue == "name" and r.populations["place"] == "shore"]
    assert auc.value == 0.75


def test_what_a_text_is_compared_with_weighs_as_much_as_the_text() -> None:
    neutral, *shown = [each for each in natural(["loan"]) if each.cue in (None, "name")]
    others = {(("place", each.populations["place"]),): each for each in shown[1:]}
    _, label, weight = _rows([Versions(shown[0], neutral, others)])
    assert (label.tolist(), weight.tolist()) == ([1, 0, 0, 0], [1, 0.5, 0.25, 0.25])
    _, label, weight = _rows([Versions(shown[0], neutral, {})])
    assert (label.tolist(), weight.tolist()) == ([1, 0], [1, 1])


def test_coefficients_are_sklearns_where_none_wants_to_be_negative() -> None:
    rng = np.random.default_rng(0)
    label = np.repeat([1.0, 0.0], 40)
    features = (rng.random((80, 3)) < 0.2 + 0.4 * label[:, None]).astype(float)
    weight = rng.uniform(0.2, 1, 80)
    sklearns = LogisticRegression(C=PENALTY_C, tol=1e-10, max_iter=5000).fit(features, label, sample_weight=weight)  # 1.9.1
    assert (sklearns.coef_ > 0).all()
    assert fit(features, label, weight) == pytest.approx([*sklearns.coef_[0], *sklearns.intercept_], abs=2e-3)


def test_a_coefficient_that_would_be_negative_is_zero_and_the_others_are_as_without_it() -> None:
    rng = np.random.default_rng(1)
    label = np.repeat([1.0, 0.0], 40)
    features = (rng.random((80, 3)) < np.c_[0.2 + 0.4 * label, 0.6 - 0.4 * label, 0.3 + 0.2 * label]).astype(float)
    found = fit(features, label, np.ones(80))
    sklearns = LogisticRegression(C=PENALTY_C, tol=1e-10, max_iter=5000).fit(features[:, [0, 2]], label)
    assert found[1] == 0
    assert found[[0, 2, 3]] == pytest.approx([*sklearns.coef_[0], *sklearns.intercept_], abs=2e-3)


# Duplicate, diversity


def test_a_query_copied_from_another_scenario_fails_duplicate_and_so_does_what_it_was_copied_from() -> None:
    queries = natural()
    text = next(each.text for each in queries if each.query_id == "chess/plain name")
    copied = [replace(each, turns=(text,)) if each.query_id == "loan/plain name" else each for each in queries]
    found = measure(copied, context())
    assert {each.query_id for each in copied if failed(found[each.query_id]) == "duplicate"} == {
        "chess/plain name",
        "loan/plain name",
    }


def test_the_similarity_is_estimated_within_its_error_of_jaccards() -> None:
    # Two of 60 texts share a part that differs from pair to pair; exact sets by Python. 4.5 standard errors: 1 in 150,000.
    rng = np.random.default_rng(2)
    vocabulary = [f"{a}{b}{c}" for a in "bcdfgl" for b in "aeiou" for c in "mnprst"]
    error = []
    for _ in range(30):
        start = list(rng.choice(vocabulary, 60))
        shared = int(rng.integers(0, 60))
        texts = [" ".join([*start[:shared], *rng.choice(vocabulary, 60 - shared)]) for _ in range(2)]
        a, b = (shingles(text) for text in texts)
        exact = len(a & b) / len(a | b)
        found = duplicate([query(texts[0], "x"), query(texts[1], "y")], context())
        assert (
            found["x/neutral"]
            == found["y/neutral"]
            == pytest.approx(exact, abs=4.5 * sqrt(max(exact * (1 - exact), 0.01) / PERMUTATIONS))
        )
        error.append(found["x/neutral"] - exact)
    assert abs(np.mean(error)) < 0.02


def test_a_cue_that_an_arm_shares_makes_no_duplicates() -> None:
    # Beside the cue: the sea where, sea where is, and three of their own each: 2 of 8. With the cue it would be 9 of 15.
    said = CUES["shore"]["situation"][0]
    places = ("the tall lighthouse", "our old library")
    queries = [query(f"{said} Where is {place}?", place, "shore situation") for place in places]
    assert max(duplicate(queries, context()).values()) == pytest.approx(2 / 8, abs=4 * sqrt(0.25 * 0.75 / PERMUTATIONS))


def test_versions_of_one_scenario_are_no_duplicates_of_each_other() -> None:
    queries = [query("My heater stops after a few minutes.", f"heater-00{k}") for k in (1, 2)]
    assert duplicate(queries, context()) == {}
    others = [replace(each, scenario_id=f"stove-00{k}") for k, each in enumerate(queries)]  # two scenarios by the rubric
    assert set(duplicate(others, context()).values()) == {1.0}


def test_diversity_is_the_mean_distance_over_that_of_the_neutral_query() -> None:
    # Neutral {a1, b1} and {a1, c1}: distance 1 - 1/3. With two shared words more: 1 - 3/5. (2/5)/(2/3) = 0.6.
    texts = {"x": "alpha beta", "y": "alpha gamma"}
    queries = [query(text, name) for name, text in texts.items()]
    queries += [query(f"{text} delta epsilon", name, "hill name") for name, text in texts.items()]
    found = measure(queries, context())
    assert [found[f"{name}/hill name"]["diversity"] for name in texts] == pytest.approx([0.6, 0.6])


def test_an_arm_whose_scenarios_become_alike_fails_diversity() -> None:
    alike = " ".join(f"{a}{b}" for a in ("ka", "lo", "mi", "nu", "pe", "ra") for b in ("ten", "dor", "vin", "sol", "bek"))
    queries = [replace(each, turns=(f"{each.text} {alike}",)) if each.arm == "hill name" else each for each in natural()]
    found = measure(queries, context())
    assert all((found[each.query_id].get("diversity", 1) < 0.5) is (each.arm == "hill name") for each in queries)


# Language


@pytest.mark.parametrize(
    "text",
    ["Mi nombre es Pearl Sands. ¿Cuánto tiempo tarda la oficina en enviarme el pasaporte nuevo?",
     "Ich heiße Pearl Sands. Wie lange braucht das Amt, bis es mir den neuen Pass schickt?"],
)  # fmt: skip
def test_another_language_than_the_declared_one_fails_language(text: str) -> None:
    queries = natural()
    spoken = [replace(each, turns=(text,)) if each.query_id == "passport/shore name" else each for each in queries]
    assert rejected(spoken, measure(spoken, context())) == {"language": {"shore name"}}


def test_a_language_that_the_identifier_does_not_know_has_no_number() -> None:
    asked = query("nuqneH", language="tlh")
    assert measure([asked], context()) == {asked.query_id: {}}


def test_a_region_does_not_make_another_language() -> None:
    asked = query("Where is the library?", language="en-IN")
    assert measure([asked], context())[asked.query_id]["language"] > 0.5


# Numbers from elsewhere, limits


def test_a_checkers_numbers_take_the_place_of_ours() -> None:
    queries = natural()
    ours, checked = (
        measure(queries, context()),
        measure(queries, context(), given={"loan/hill name": {"intent": 0.0, "facts": 1.0}}),
    )
    assert checked["loan/hill name"] == ours["loan/hill name"] | {"intent": 0.0, "facts": 1.0}
    assert {query_id for query_id in ours if ours[query_id] != checked[query_id]} == {"loan/hill name"}
    assert failed(checked["loan/hill name"]) == "intent"


def test_the_first_gate_in_order_is_named_and_one_without_a_number_is_not_failed() -> None:
    assert failed({}) is None
    assert failed({"diversity": 0.1, "cue": 0.9, "language": 0.2}) == "language"
    assert failed({"diversity": 0.1, "cue": 0.9}) == "cue"
    assert failed({"intent": nan}) == "intent"


@pytest.mark.parametrize("gate", LIMITS)
def test_the_limits_themselves_pass_and_say_why(gate: str) -> None:
    low, high, reason = LIMITS[gate]
    assert is_within(gate, low)
    assert is_within(gate, high)
    assert not is_within(gate, low - 1e-9)
    assert len(reason.split()) > 5


# Properties


@given(st.randoms(use_true_random=False))
@settings(max_examples=3, deadline=None)
def test_the_order_of_queries_does_not_matter(rng: random.Random) -> None:
    queries = natural(list(ASKED)[:6], brings(*FISH, to=["shore"]))
    assert measure(rng.sample(queries, len(queries)), context()) == measure(queries, context())


def test_the_same_seed_gives_the_same_numbers_and_another_seed_other_folds() -> None:
    queries = natural(rewrite=brings(*FISH, to=["shore"]))
    first = measure(queries, context(), seed=1)
    assert first == measure(queries, context(), seed=1)
    assert first != measure(queries, context(), seed=2)


def test_a_copy_of_all_scenarios_changes_no_number_of_a_block_and_makes_everything_a_duplicate() -> None:
    queries, given_context = natural(), context()
    copies = [
        replace(
            each, query_id=f"copy {each.query_id}", scenario_id=f"copy of {each.scenario_id}", block_id=f"copy {each.block_id}"
        )
        for each in queries
    ]
    scenarios = given_context.model_dump()["scenarios"]
    doubled = given_context.model_dump() | {
        "scenarios": [*scenarios, *({**each, "id": f"copy of {each['id']}"} for each in scenarios)]
    }
    before, after = measure(queries, given_context), measure([*queries, *copies], Context.model_validate(doubled))
    for query_id, numbers in before.items():
        for gate in numbers.keys() & {"language", "intent", "facts", "length"}:
            assert after[query_id][gate] == after[f"copy {query_id}"][gate] == numbers[gate]
        assert after[query_id]["duplicate"] == 1


@pytest.mark.slow
def test_noise_is_seldom_taken_for_a_caricature() -> None:
    # Words that come by chance to all groups alike. The interval is for scenarios that do not share a reader, and takes no notice
    # that they do: its lower limit lies over 0.5 in 7 % of these readers where 2.5 % would do, and over the gate's in 0.6 %.
    rng = random.Random(4)
    low = [
        reader.auc.low
        for _ in range(60)
        for reader in readers(natural(rewrite=lambda text, *_: f"{text} {' '.join(rng.sample(FISH + WOODS, 3))}"), context())
    ]
    assert len(low) == 360
    assert np.mean(np.array(low) > LIMITS["caricature"].high) < 0.025
    assert np.mean(np.array(low) > 0.5) < 0.1
