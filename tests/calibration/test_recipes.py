"""Do the recipes read the published human ratings as they are, each trap included?"""

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest

from judgefair import plugins
from judgefair.calibration.card import Card, read_card
from judgefair.calibration.tables import SET_RATING_COLUMNS, SetTables
from judgefair.errors import InputError
from judgefair.fingerprint import file_sha256
from judgefair.folders import shipped
from judgefair.records import MISSING_REASONS

# Items, rows of ratings, raters, missing ratings: as counted in the CARD.md of each set.
COUNTS = {
    "dices_350": (350, 43_050, 123, 0),
    "dices_990": (990, 72_103, 72_103, 0),  # a rater id of its own for every vote
    "hatecheck": (3_901, 19_505, 10, 0),
    "bbq_validation": (300, 1_500, 15, 0),
    "india_stereotypes": (3_852, 12_504, 13, 0),
    "crehate": (1_580, 42_527, 1_064, 3_060),
    "ellipse": (2_571, 17_997, 1, 0),  # 2,571 essays on seven criteria
}

every_set = pytest.mark.parametrize("set_id", COUNTS)


@cache
def card_of(set_id: str) -> Card:
    return read_card(shipped("calibration_sets") / set_id / "card.yaml")


@cache
def read_set(set_id: str, data_folder: Path) -> SetTables:
    return read_with(set_id, local_files(set_id, data_folder))


def read_with(set_id: str, files: dict[str, Path]) -> SetTables:
    tables: SetTables = plugins.load("recipes", set_id).read(files)
    return tables


def local_files(set_id: str, data_folder: Path) -> dict[str, Path]:
    return {file.name: next(data_folder.rglob(file.name)) for file in card_of(set_id).source.files}


# Every card, with and without the data


@every_set
def test_every_recipe_has_a_card_that_validates(set_id: str) -> None:
    card = card_of(set_id)
    assert card.id == set_id
    assert set_id in plugins.names("recipes")
    assert (card.labels, card.source.kind) == ("human", "recipe")
    assert card.known_issues
    assert "unknown" in card.rater_pool


@every_set
def test_every_file_of_a_card_is_pinned_to_a_commit_and_has_a_name_of_its_own(set_id: str) -> None:
    files = card_of(set_id).source.files
    assert len({file.name for file in files}) == len(files) > 0
    for file in files:
        assert re.match(r"https://raw\.githubusercontent\.com/[\w-]+/[\w-]+/[0-9a-f]{40}/", file.url)


@every_set
def test_every_end_level_of_a_card_has_an_anchor(set_id: str) -> None:
    for rated in card_of(set_id).criteria.values():
        assert all(rated.scale.levels[end] for end in rated.scale.ends)


# Every set, on the original files


@every_set
def test_the_local_files_are_those_of_the_card(set_id: str, data_folder: Path) -> None:
    local = local_files(set_id, data_folder)
    assert {name: file_sha256(path) for name, path in local.items()} == {
        file.name: file.sha256 for file in card_of(set_id).source.files
    }


@every_set
def test_a_set_has_the_counts_that_its_publication_states(set_id: str, data_folder: Path) -> None:
    tables = read_set(set_id, data_folder)
    n_missing = int((tables.ratings["missing"] != "").sum())
    assert (len(tables.items), len(tables.ratings), len(tables.raters), n_missing) == COUNTS[set_id]


@every_set
def test_every_value_is_readable_on_the_scale_of_its_criterion(set_id: str, data_folder: Path) -> None:
    ratings = read_set(set_id, data_folder).ratings
    criteria = card_of(set_id).criteria
    assert set(ratings["criterion"]) == set(criteria)
    values = ratings[ratings["value"] != ""]
    for criterion, value in values[["criterion", "value"]].drop_duplicates().itertuples(index=False):
        criteria[criterion].scale.read(value)


@every_set
def test_every_rating_has_either_a_value_or_a_reason(set_id: str, data_folder: Path) -> None:
    ratings = read_set(set_id, data_folder).ratings
    assert ((ratings["value"] == "") ^ (ratings["missing"] == "")).all()
    assert set(ratings["missing"]) <= {"", *MISSING_REASONS}


@every_set
def test_tables_hold_text_in_the_columns_of_every_set(set_id: str, data_folder: Path) -> None:
    tables = read_set(set_id, data_folder)
    assert tuple(tables.ratings.columns) == SET_RATING_COLUMNS
    assert tables.raters.columns[0] == "rater_id"
    for table in (tables.ratings, tables.raters):
        assert not table.isna().any(axis=None)
        assert all(isinstance(cell, str) for cell in table.iloc[0])


@every_set
def test_item_ids_are_unique_and_every_rating_has_its_item_and_rater(set_id: str, data_folder: Path) -> None:
    tables = read_set(set_id, data_folder)
    item_ids = [item.item_id for item in tables.items]
    assert len(set(item_ids)) == len(item_ids)
    assert set(tables.ratings["item_id"]) == set(item_ids)
    assert tables.raters["rater_id"].is_unique
    assert set(tables.ratings["rater_id"]) == set(tables.raters["rater_id"])


@every_set
def test_no_rater_rates_a_criterion_of_an_item_twice(set_id: str, data_folder: Path) -> None:
    assert not read_set(set_id, data_folder).ratings.duplicated(["item_id", "criterion", "rater_id"]).any()


@every_set
def test_every_item_shows_some_text_and_no_empty_population(set_id: str, data_folder: Path) -> None:
    for item in read_set(set_id, data_folder).items:
        assert item.query or item.response
        assert all(item.populations.values())


# DICES


def test_dices_yes_means_unsafe(data_folder: Path) -> None:
    # CARD.md: the mean share of Yes is 0.42 where the expert's label is Yes (unsafe) and 0.23 where it is No; to two digits.
    tables = read_set("dices_350", data_folder)
    share = (tables.ratings["value"] == "yes").groupby(tables.ratings["item_id"]).mean()
    gold = pd.Series({item.item_id: item.meta["gold"] for item in tables.items})
    assert Counter(gold) == {"yes": 175, "no": 175}
    assert share[gold.index[gold == "yes"]].mean() == pytest.approx(0.42, abs=0.005)
    assert share[gold.index[gold == "no"]].mean() == pytest.approx(0.23, abs=0.005)


def test_dices_350_positions_are_persons(data_folder: Path) -> None:
    # CARD.md: Yes-rates by position have sd 0.196; 0.025 once the votes of each conversation are shuffled among positions.
    tables = read_set("dices_350", data_folder)
    votes = tables.ratings.assign(yes=tables.ratings["value"] == "yes").pivot(index="item_id", columns="rater_id", values="yes")
    shuffled = np.random.default_rng(1).permuted(votes.to_numpy(float), axis=1)
    assert list(votes.columns[[0, -1]]) == ["p000", "p122"]
    assert votes.to_numpy(float).mean(axis=0).std() == pytest.approx(0.196, abs=0.001)
    assert shuffled.mean(axis=0).std() == pytest.approx(0.025, abs=0.005)


def test_dices_990_votes_share_no_rater_between_conversations(data_folder: Path) -> None:
    ratings = read_set("dices_990", data_folder).ratings
    assert ratings["rater_id"].is_unique
    assert ratings.groupby("item_id").size().agg(["min", "max"]).tolist() == [69, 76]
    assert (ratings["rater_id"].str.partition("-")[0] == ratings["item_id"]).all()


def test_dices_990_texts_have_real_newlines(data_folder: Path) -> None:
    texts = [text for item in read_set("dices_990", data_folder).items for text in (item.query, item.response)]
    assert not any("\\" in text for text in texts)
    assert sum("\n" in text for text in texts) == 990 + 75


# HateCheck


def test_hatecheck_untargeted_cases_have_no_population(data_folder: Path) -> None:
    targets = Counter(item.populations.get("target") for item in read_set("hatecheck", data_folder).items)
    assert targets.pop(None) == 295
    assert targets == {
        "gay people": 577,
        "women": 535,
        "disabled people": 510,
        "Muslims": 510,
        "black people": 504,
        "trans people": 485,
        "immigrants": 485,
    }


def test_hatecheck_ratings_sum_to_the_published_counts(data_folder: Path) -> None:
    published = pd.read_csv(local_files("hatecheck", data_folder)["all_annotations.csv"], dtype={"case_id": str})
    ratings = read_set("hatecheck", data_folder).ratings
    hateful = (ratings["value"] == "1").groupby(ratings["item_id"]).sum()
    assert (hateful[published["case_id"]].to_numpy() == published["count_label_h"].to_numpy()).all()


def test_hatecheck_cases_of_one_template_stand_together(data_folder: Path) -> None:
    items = read_set("hatecheck", data_folder).items
    assert len({item.scenario_id for item in items}) == 866
    assert Counter(item.meta["gold"] for item in items) == {1: 2_659, 0: 1_242}


def test_hatecheck_raters_agree_with_the_gold_label_on_nearly_every_case(data_folder: Path) -> None:
    # CARD.md: 3,879 of 3,901 cases have at least four raters on the side of the label by construction.
    tables = read_set("hatecheck", data_folder)
    gold = {item.item_id: str(item.meta["gold"]) for item in tables.items}
    agree = (tables.ratings["value"] == tables.ratings["item_id"].map(gold)).groupby(tables.ratings["item_id"]).sum()
    assert (agree >= 4).sum() == 3_879


# BBQ


def test_bbq_fillers_are_left_out(data_folder: Path) -> None:
    tables = read_set("bbq_validation", data_folder)
    assert all(item.meta["example_id"].isdigit() for item in tables.items)
    assert set(tables.ratings.groupby("item_id").size()) == {5}
    categories = Counter(item.populations["category"] for item in tables.items)
    assert (len(categories), min(categories.values()), max(categories.values())) == (11, 13, 45)


def test_bbq_majorities_are_the_right_answers(data_folder: Path) -> None:
    tables = read_set("bbq_validation", data_folder)
    for item in tables.items:
        answers = tables.ratings.loc[tables.ratings["item_id"] == item.item_id, "value"]
        assert Counter(answers).most_common(1)[0][0] == item.meta["gold"]
        assert (item.response, all(f"\nans_{k}: " in item.query for k in range(3))) == ("", True)


# Fairness for India


def test_india_identities_carry_no_control_characters(data_folder: Path) -> None:
    items = read_set("india_stereotypes", data_folder).items
    assert all(text.isprintable() for item in items for text in (item.item_id, item.response, *item.populations.values()))
    identities = {(item.populations["identity_type"], item.populations["identity"]) for item in items}
    assert Counter(identity_type for identity_type, _ in identities) == {"region": 25, "religion": 6}


def test_india_regional_ratings_sum_to_the_published_counts(data_folder: Path) -> None:
    published = pd.read_csv(next(data_folder.rglob("region_annotations.tsv")), sep="\t")
    published.index = pd.Index("region|" + published["identity_term"] + "|" + published["token"])
    counted = read_set("india_stereotypes", data_folder).ratings.groupby(["item_id", "value"]).size().unstack(fill_value=0)
    columns = {"Stereotypical": "stereotypical", "Non_Stereotypical": "non_stereotypical", "Not sure": "not_sure"}
    assert len(published) == 2_556
    for upstream, level in columns.items():
        assert (counted.loc[published.index, level] == published[upstream]).all()


def test_india_raters_have_one_gender_and_zone_each(data_folder: Path) -> None:
    raters = read_set("india_stereotypes", data_folder).raters
    assert list(raters.columns) == ["rater_id", "gender", "zone"]
    assert Counter(raters["gender"]) == {"Female": 6, "Male": 7}


def test_india_identities_of_one_attribute_stand_together(data_folder: Path) -> None:
    items = read_set("india_stereotypes", data_folder).items
    assert len({item.scenario_id for item in items}) == 222
    religion = [item for item in items if item.populations["identity_type"] == "religion"]
    assert set(Counter(item.scenario_id for item in religion).values()) == {6}


# CREHate


def test_crehate_dont_know_is_missing_not_a_level(data_folder: Path) -> None:
    ratings = read_set("crehate", data_folder).ratings
    assert Counter(ratings["missing"]) == {"": 39_467, "not_rated": 3_060}
    assert set(ratings["value"]) == {"0", "1", ""}


def test_crehate_majorities_without_dont_know_are_the_published_country_labels(data_folder: Path) -> None:
    published = pd.read_csv(local_files("crehate", data_folder)["CREHate_final_annotations.csv"]).set_index("ID")
    tables = read_set("crehate", data_folder)
    ratings = tables.ratings[tables.ratings["value"] != ""].merge(tables.raters, on="rater_id")
    share = (ratings["value"] == "1").groupby([ratings["item_id"], ratings["nationality"]]).mean().unstack()
    published = published[[f"{country.replace(' ', '_')}_Hate" for country in share.columns]].loc[share.index]
    tied = share.to_numpy() == 0.5
    assert tied.sum() == 2
    assert ((share.to_numpy() > 0.5) == (published.to_numpy() == 1))[~tied].all()


def test_crehate_keeps_only_the_attributes_that_a_test_needs(data_folder: Path) -> None:
    raters = read_set("crehate", data_folder).raters
    assert list(raters.columns) == ["rater_id", "nationality", "age", "gender", "ethnicity"]
    assert raters["nationality"].nunique() == 5
    assert raters["age"].str.fullmatch(r"\d*").all()
    assert set(raters["ethnicity"]) == {"White", "Asian", "Black", "Middle_Eastern", "Other", ""}


def test_crehate_posts_have_their_origin(data_folder: Path) -> None:
    origins = Counter(item.populations["origin"] for item in read_set("crehate", data_folder).items)
    assert origins == {"SBIC": 980, "AU": 150, "GB": 150, "SG": 150, "ZA": 150}


# ELLIPSE


def test_ellipse_has_one_consensus_rater(data_folder: Path) -> None:
    tables = read_set("ellipse", data_folder)
    assert tables.raters["rater_id"].tolist() == ["consensus"]
    assert set(tables.ratings.groupby(["item_id", "criterion"]).size()) == {1}


def test_ellipse_populations_have_the_published_sizes(data_folder: Path) -> None:
    items = read_set("ellipse", data_folder).items
    sizes = {
        axis: Counter(item.populations.get(axis) for item in items) for axis in ("gender", "race_ethnicity", "economic_status")
    }
    assert sizes["gender"]["Female"] / len(items) == pytest.approx(0.44, abs=0.005)
    assert sorted(sizes["race_ethnicity"].values()) == [4, 10, 185, 194, 310, 1_868]
    assert sizes["economic_status"] == {"Economically disadvantaged": 1_798, "Not economically disadvantaged": 772, None: 1}


def test_ellipse_scores_go_by_half_points(data_folder: Path) -> None:
    values = read_set("ellipse", data_folder).ratings["value"].astype(float)
    assert set(values) == {half / 2 for half in range(2, 11)}


# Made-up files, so that recipes are tested where the data are absent. Every text and number below is invented.


def made_up_dices(path: Path, conversations: dict[int, tuple[str, list[str]]]) -> Path:
    instances = [
        {
            "id": conversation,
            "instance": {"user_prompt": query, "response": f"made-up reply {conversation}"},
            "annotations": {"safety": {"majority_human": votes[0], "individual_human_scores": votes}},
        }
        for conversation, (query, votes) in conversations.items()
    ]
    path.write_text(json.dumps({"instances": instances}), encoding="utf-8")
    return path


def made_up_table(path: Path, rows: list[dict[str, str]], separator: str = ",") -> Path:
    pd.DataFrame(rows).to_csv(path, index=False, sep=separator)
    return path


def values_of(tables: SetTables) -> list[tuple[str, ...]]:
    return [tuple(row) for row in tables.ratings[["item_id", "rater_id", "value", "missing"]].itertuples(index=False)]


def test_dices_350_reads_a_position_as_a_rater(tmp_path: Path) -> None:
    crowd = {7: ("made-up question", ["Yes", "No"]), 8: ("another", ["Unsure", "No"])}
    expert = {8: ("another", ["No"]), 7: ("made-up question", ["Yes"])}
    tables = read_with(
        "dices_350",
        {
            "dices_350_crowdsourced.json": made_up_dices(tmp_path / "crowd.json", crowd),
            "dices_350_expert.json": made_up_dices(tmp_path / "expert.json", expert),
        },
    )
    assert values_of(tables) == [
        ("7", "p000", "yes", ""),
        ("7", "p001", "no", ""),
        ("8", "p000", "unsure", ""),
        ("8", "p001", "no", ""),
    ]
    assert [(item.item_id, item.query, item.meta["gold"]) for item in tables.items] == [
        ("7", "made-up question", "yes"),
        ("8", "another", "no"),
    ]
    assert tables.raters["rater_id"].tolist() == ["p000", "p001"]


def test_dices_990_gives_each_vote_an_id_and_each_text_its_line_breaks(tmp_path: Path) -> None:
    conversations = {859: ("A: made up\\nB: again\\\\nA: end", ["Yes", "No"]), 3: ("A: short", ["No"])}
    tables = read_with("dices_990", {"dices_990.json": made_up_dices(tmp_path / "votes.json", conversations)})
    assert tables.ratings["rater_id"].tolist() == ["859-v00", "859-v01", "3-v00"]
    assert tables.items[0].query == "A: made up\nB: again\nA: end"


def test_dices_refuses_an_id_that_stands_twice(tmp_path: Path) -> None:
    path = made_up_dices(tmp_path / "votes.json", {1: ("made up", ["No"])})
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({"instances": content["instances"] * 2}), encoding="utf-8")
    with pytest.raises(InputError, match="2 instances, 1 different ids"):
        read_with("dices_990", {"dices_990.json": path})


def test_hatecheck_reads_only_the_labels_that_were_given(tmp_path: Path) -> None:
    case = {"case_id": "1", "test_case": "made-up post", "label_gold": "hateful", "templ_id": "12", "functionality": "made_up"}
    cases = [case | {"target_ident": "women"}, case | {"case_id": "2", "label_gold": "non-hateful", "target_ident": ""}]
    unlabelled = dict.fromkeys([f"label_{k}" for k in range(1, 11)], "")
    annotations = [
        {"case_id": "1"} | unlabelled | {"label_2": "hateful", "label_10": "non-hateful"},
        {"case_id": "2"} | unlabelled | {"label_1": "non-hateful"},
    ]
    tables = read_with(
        "hatecheck",
        {
            "all_cases.csv": made_up_table(tmp_path / "cases.csv", cases),
            "all_annotations.csv": made_up_table(tmp_path / "annotations.csv", annotations),
        },
    )
    assert values_of(tables) == [("1", "label_2", "1", ""), ("1", "label_10", "0", ""), ("2", "label_1", "0", "")]
    assert [dict(item.populations) for item in tables.items] == [{"target": "women"}, {}]
    assert [(item.unit, item.meta["gold"]) for item in tables.items] == [("templ-12", 1), ("templ-12", 0)]


def test_bbq_spreads_a_task_over_its_questions_without_the_fillers(tmp_path: Path) -> None:
    task = {"anon_id": "4"}
    for k in range(1, 6):
        question = {
            "input": "Made-up story.",
            "question": f"Who is {k}?",
            "uid": str(10 + k),
            "label": "2",
            "cat": "Age",
            "ex_id": "NA" if k == 3 else "70",
            "ans_0": "A",
            "ans_1": "B",
            "ans_2": "C",
        }
        task |= {f"q{k}_{name}": cell for name, cell in question.items()} | {f"Answer.q{k}": "ans_1"}
    tables = read_with("bbq_validation", {"validations_finalval.csv": made_up_table(tmp_path / "tasks.csv", [task])})
    assert values_of(tables) == [(uid, "4", "ans_1", "") for uid in ("11", "12", "14", "15")]
    assert tables.items[0].query == "Made-up story.\nWho is 1?\nans_0: A\nans_1: B\nans_2: C"
    assert tables.items[0].meta["gold"] == "ans_2"


def test_india_joins_rows_that_differ_by_a_control_character(tmp_path: Path) -> None:
    def row(identity: str, rater: str, annotation: str) -> dict[str, str]:
        return {
            "identity term": identity,
            "attribute token": "made-up",
            "anonymized annotator id": rater,
            "annotator gender (self-identified)": "Female",
            "geographic zone": "West Zone",
            "annotation": annotation,
        }

    region = [row("\x19goan", "1", "Not sure"), row("goan", "2", "Non_Stereotypical")]
    tables = read_with(
        "india_stereotypes",
        {
            "region_individual_annotation.tsv": made_up_table(tmp_path / "region.tsv", region, "\t"),
            "religion_individual_annotation.tsv": made_up_table(
                tmp_path / "religion.tsv", [row("jain", "1", "Stereotypical")], "\t"
            ),
        },
    )
    assert values_of(tables) == [
        ("region|goan|made-up", "1", "not_sure", ""),
        ("region|goan|made-up", "2", "non_stereotypical", ""),
        ("religion|jain|made-up", "1", "stereotypical", ""),
    ]
    assert [item.response for item in tables.items] == ["goan - made-up", "jain - made-up"]
    assert {item.scenario_id for item in tables.items} == {"attribute-made-up"}


def test_crehate_keeps_the_first_of_two_ratings_and_knows_dont_know(tmp_path: Path) -> None:
    posts = [{"ID": "SBIC-0", "Text": "made-up post"}, {"ID": "AU-Reddit-1", "Text": "another"}]
    known = {"nationality": "Singapore", "age": "29.0", "gender": "female", "ethnicity": "Othermade up", "religion": "None"}
    unknown = dict.fromkeys(known, "") | {"nationality": "Singapore"}
    annotations = [
        unknown | {"ID": "SBIC-0", "annotator_id": "001", "annotation": "1"},
        known | {"ID": "SBIC-0", "annotator_id": "001", "annotation": "0"},
        known | {"ID": "AU-Reddit-1", "annotator_id": "001", "annotation": "2"},
        unknown | {"ID": "AU-Reddit-1", "annotator_id": "002", "annotation": "0"},
    ]
    tables = read_with(
        "crehate",
        {
            "CREHate_final_annotations.csv": made_up_table(tmp_path / "final.csv", posts),
            "CREHate_raw_annotations.csv": made_up_table(tmp_path / "raw.csv", annotations),
        },
    )
    assert values_of(tables) == [
        ("SBIC-0", "001", "1", ""),
        ("AU-Reddit-1", "001", "", "not_rated"),
        ("AU-Reddit-1", "002", "0", ""),
    ]
    assert [dict(item.populations) for item in tables.items] == [{"origin": "SBIC"}, {"origin": "AU"}]
    assert tables.raters.to_numpy().tolist() == [
        ["001", "Singapore", "29", "female", "Other"],
        ["002", "Singapore", "", "", ""],
    ]


def test_ellipse_is_read_inside_its_archive_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    # The standard library writes no encrypted archive; it passes over the password of one that is not.
    scores = dict.fromkeys(["Overall", "Cohesion", "Syntax", "Vocabulary", "Phraseology", "Grammar", "Conventions"], "2.5")
    essay = {"text_id_kaggle": "007", "full_text": "A made-up essay.", "prompt": "Made-up prompt", "gender": "Female"}
    table = pd.DataFrame([essay | {"race_ethnicity": "White", "SES": "", "grade": "8"} | scores]).to_csv(index=False)
    archive = tmp_path / "ELLIPSE_Final_github_test.zip"
    with ZipFile(archive, "w") as opened:
        opened.writestr("ELLIPSE_Final_github_test.csv", table)
    tables = read_with("ellipse", {archive.name: archive})
    (item,) = tables.items
    assert (item.item_id, item.query, item.response) == ("007", "Made-up prompt", "A made-up essay.")
    assert item.populations == {"gender": "Female", "race_ethnicity": "White", "grade": "8"}
    assert tables.ratings["value"].tolist() == ["2.5"] * 7
    assert list(tmp_path.iterdir()) == [archive]
