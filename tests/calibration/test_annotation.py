"""Does what annotators answered come back as they gave it, from Label Studio and from a spreadsheet, and nothing else?"""

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.dom import minidom

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefair.calibration.annotation import Annotations, Task, read_annotations, write_csv, write_label_studio
from judgefair.errors import InputError
from tests.calibration.annotators import SCALES, SPITEFUL, as_json, as_json_min, filled, labelled, reasoned, rubric_with

RUBRIC = rubric_with()
TASKS = [
    Task("t0001", "Where is it?", "=HYPERLINK(1)"),
    Task("t0002", "'tis $query <b>", "two\r\nlines"),
    Task("t0003", "", "'=x"),
]
ANN, BEN = 1, 2
# One answer to every criterion, as level and as place among the choices; None: does not apply.
ANSWERS = {"depth": (-1, 0), "harsh": (1, 1), "tone": ("true", 0), "warmth": (2.5, 0)}
COLUMNS = ["task_id", "criterion", "rater_id", "value", "missing", "rationale"]


def written(folder, tasks=TASKS, rubric=RUBRIC):
    """The config's text and where tasks.json is."""
    config, data, _ = write_label_studio(tasks, rubric, folder)
    return config.read_text("utf-8"), data


def answered(config, answers=ANSWERS):
    """The results of one annotation."""
    return [entry for name, (level, place) in answers.items() for entry in labelled(config, name, level, place=place)]


def export(folder, tasks=TASKS, rubric=RUBRIC):
    """Ann has answered every task."""
    config, data = written(folder, tasks, rubric)
    return as_json(data, {task.task_id: [(ANN, answered(config))] for task in tasks})


def read(exported, folder, raters=None, tasks=TASKS, rubric=RUBRIC):
    path = folder / "export.json"
    path.write_text(json.dumps(exported), "utf-8")
    return read_annotations(path, tasks, rubric, raters)


def refused(exported, folder, *told, **more):
    with pytest.raises(InputError) as caught:
        read(exported, folder, **more)
    for part in told:
        assert part in str(caught.value)


def cells(answers):
    return {name: "not_applicable" if level is None else str(level) for name, (level, _) in answers.items()}


def sheet(folder, answers=None, rater="ann"):
    """A sheet in which one rater has filled every row, or as `answers` says."""
    path, _ = write_csv(TASKS, RUBRIC, folder)
    path.write_text(filled(path, answers or {t.task_id: [(rater, cells(ANSWERS))] for t in TASKS}), "utf-8", newline="")
    return path


def refused_sheet(path, *told, tasks=TASKS, raters=None):
    with pytest.raises(InputError) as caught:
        read_annotations(path, tasks, RUBRIC, raters)
    for part in told:
        assert part in str(caught.value)


def edited(path, change):
    """The file with its text changed."""
    text = path.read_bytes().decode("utf-8-sig")
    assert change(text) != text
    path.write_text(change(text), "utf-8", newline="")
    return path


# Round trips

_TEXTS = st.text(
    st.sampled_from("ab=+-@'\"<>&$,;\t\r\n ж語\u202e\U0001f600{}") | st.characters(exclude_categories=["Cs"]), max_size=12
)
_NAMES = _TEXTS.filter(lambda text: text.strip() and not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", text))


@st.composite
def _cases(draw):
    """A rubric, tasks, and for each task and rater an answer to every criterion with the place of the level."""
    names = draw(st.lists(_NAMES.filter(lambda text: text != "not_applicable"), min_size=2, max_size=4, unique=True))
    numbers = sorted(draw(st.sets(st.integers(-9, 9), min_size=2, max_size=5)))
    ends = sorted(draw(st.sets(st.floats(-1e6, 1e6), min_size=2, max_size=2)))
    scales = {
        "level": {"kind": "nominal", "levels": dict.fromkeys(names, draw(st.none() | _TEXTS))},
        "query_reason": {"kind": "ordinal", "levels": dict.fromkeys(numbers)},
        "annotator": {"kind": "interval", "levels": dict.fromkeys(ends)},
        "id": {"kind": "binary", "levels": {0: None, 1: draw(st.none() | _TEXTS)}},
    }
    rubric = rubric_with(scales, draw(st.sets(st.sampled_from(list(scales)))))
    tasks = [Task(f"t{k:04}", draw(_TEXTS), draw(_TEXTS)) for k in range(draw(st.integers(1, 3)))]
    answers = {}
    for task in tasks:
        for rater in draw(st.sets(st.integers(1, 5), min_size=1, max_size=3)):
            for criterion in rubric.criteria:
                levels = list(criterion.scale.levels)
                if criterion.scale.kind == "interval":
                    level, place = draw(st.floats(*map(float, ends))), 0
                else:
                    place = draw(st.integers(0, len(levels) - 1))
                    level = levels[place]
                if criterion.not_applicable is not None and draw(st.booleans()):
                    level = None
                answers[task.task_id, criterion.id, str(rater)] = (level, place, draw(_TEXTS))
    return rubric, tasks, answers


def _agree(found: Annotations, answers) -> None:
    """Every answer came back once, with its level and its reason."""
    rows = found.ratings
    assert list(rows.columns) == COLUMNS
    assert len(rows) == len(answers)
    for task_id, criterion, rater, value, missing, rationale in rows.itertuples(index=False):
        level, _, reason = answers[task_id, criterion, rater]
        assert missing == ("not_applicable" if level is None else "")
        assert rationale == reason
        assert value == ("" if level is None else value if isinstance(level, float) else str(level))
        if isinstance(level, float):
            assert float(value) == level
    assert found.raters["rater_id"].tolist() == sorted({rater for _, _, rater in answers})


@settings(max_examples=60)
@given(_cases())
def test_any_answers_come_back_equal_from_label_studio(case):
    rubric, tasks, answers = case
    with TemporaryDirectory() as folder:
        config, data = written(Path(folder), tasks, rubric)
        results: dict[tuple[str, int], list[dict]] = {}
        for (task_id, criterion, rater), (level, place, reason) in answers.items():
            said = labelled(config, criterion, level, place=place) + (reasoned(criterion, reason) if reason else [])
            results.setdefault((task_id, int(rater)), []).extend(said)
        annotations: dict[str, list] = {}
        for (task_id, who), result in results.items():
            annotations.setdefault(task_id, []).append((who, result))
        exported = as_json(data, annotations)
        _agree(read(exported, Path(folder), tasks=tasks, rubric=rubric), answers)


@settings(max_examples=60)
@given(_cases())
def test_any_answers_come_back_equal_from_a_filled_sheet(case):
    rubric, tasks, answers = case
    with TemporaryDirectory() as folder:
        path, _ = write_csv(tasks, rubric, Path(folder))
        rows: dict[str, dict[str, dict[str, str]]] = {}
        for (task_id, criterion, rater), (level, _, reason) in answers.items():
            text = "not_applicable" if level is None else str(level)
            # A reason is written by a rater in a spreadsheet, where an apostrophe in front is no part of the text.
            mark = "'" if reason[:1] in set("=+-@\t\r\n＝＋－＠'") else ""
            rows.setdefault(task_id, {}).setdefault(rater, {}).update({criterion: text, f"{criterion}.reason": mark + reason})
        path.write_text(filled(path, {task_id: list(by.items()) for task_id, by in rows.items()}), "utf-8", newline="")
        _agree(read_annotations(path, tasks, rubric), answers)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_is_a_formula_on_the_sheet_and_each_reads_back(text):
    with TemporaryDirectory() as folder:
        task = Task("t1", text[:400], "=1" + text[:400])
        path, _ = write_csv([task], RUBRIC, Path(folder))
        row = next(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
        # What OWASP's page on CSV injection lists, with the line feed and the wide forms.
        assert row["query"][:1] not in set("=+-@\t\r\n＝＋－＠")
        assert row["response"].startswith("'=1")
        path.write_text(filled(path, {"t1": [("ann", cells(ANSWERS))]}), "utf-8", newline="")
        assert len(read_annotations(path, [task], RUBRIC).ratings) == 4


# What is written


def test_the_config_asks_every_question_and_tells_every_level_and_anchor_as_text(tmp_path):
    config, _ = written(tmp_path)
    shown = [node.getAttribute("value") for node in minidom.parseString(config).getElementsByTagName("*")]
    plain = [text.replace("\u2060", "") for text in shown]
    for criterion in RUBRIC.criteria:
        assert criterion.question in plain
        for level, anchor in criterion.scale.levels.items():
            if anchor is not None:
                assert f"{level}: {anchor}" in plain
            elif criterion.scale.kind != "interval":
                assert str(level) in plain
    assert plain.count(f"Not applicable: Nothing to say {SPITEFUL}") == 2


def test_nothing_that_a_rubric_says_is_filled_in_from_a_task(tmp_path):
    """The editor replaces `$word` in a value by the task's data of that name, so that only the two texts may hold it."""
    config, _ = written(tmp_path)
    values = [node.getAttribute("value") for node in minidom.parseString(config).getElementsByTagName("*")]
    assert [value for value in values if re.search(r"\$[\w\[\].{}]", value)] == ["$query", "$response"]
    assert sum("$" in value for value in values) > 2


def test_no_alias_is_one_that_the_editor_takes_for_a_switch(tmp_path):
    config, _ = written(tmp_path)
    aliases = [node.getAttribute("alias") for node in minidom.parseString(config).getElementsByTagName("Choice")]
    assert "level:true" in aliases
    assert not {"true", "false", ""} & set(aliases)


def test_a_task_says_no_more_than_its_id_its_batch_and_its_texts(tmp_path):
    _, data = written(tmp_path)
    tasks = json.loads(data.read_text("utf-8"))
    assert [list(task["data"]) for task in tasks] == [["task_id", "batch", "query", "response"]] * 3
    assert [task["data"]["task_id"] for task in tasks] == ["t0001", "t0002", "t0003"]
    assert [list(task) for task in tasks] == [["data"]] * 3


def test_half_a_surrogate_pair_does_not_keep_a_task_from_being_given_out(tmp_path):
    tasks = [Task("t1", "half \ud83d", "x")]
    assert len(read(export(tmp_path, tasks), tmp_path, tasks=tasks).ratings) == 4
    path, _ = write_csv(tasks, RUBRIC, tmp_path)
    assert "half ?" in path.read_text("utf-8-sig")


def test_the_anchors_stand_beside_the_sheet(tmp_path):
    path, anchors = write_csv(TASKS, RUBRIC, tmp_path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # without it Excel takes the file for another encoding
    header = next(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
    assert header[:5] == ["task_id", "query", "response", "depth", "depth.reason"]
    assert header[-1] == "rater_id"
    text = anchors.read_text("utf-8")
    for part in (
        "## depth",
        "- `-1`: Worse than none",
        "- `0`\n",
        "- `not_applicable`: Nothing to say",
        "from 0 to 10",
        "`ласково`: Kind",
    ):
        assert part in text


def test_a_text_that_no_cell_holds_is_refused_before_anybody_annotates_it(tmp_path):
    write_csv([Task("t1", "x" * 32_767, "")], RUBRIC, tmp_path)
    with pytest.raises(InputError, match=r"task t1: its response has 32,768 characters.*Label Studio"):
        write_csv([Task("t1", "", "=" + "x" * 32_766)], RUBRIC, tmp_path)


@pytest.mark.parametrize(
    ("scales", "told"),
    [
        ({"rater_id": SCALES["harsh"]}, "the criterion 'rater_id' would be a column of the same name"),
        ({"a": {"kind": "nominal", "levels": {" ": "x", "y": "y"}}}, "criterion a: the level ' ' has no name"),
        ({"a": {"kind": "nominal", "levels": {"not_applicable": "x", "y": "y"}}}, "Rename the level"),
    ],
)
def test_a_sheet_on_which_two_things_would_read_alike_is_refused(scales, told, tmp_path):
    with pytest.raises(InputError, match=re.escape(told)):
        write_csv(TASKS, rubric_with(scales, ["a"]), tmp_path)


def test_a_level_that_xml_cannot_hold_is_refused(tmp_path):
    rubric = rubric_with({"a": {"kind": "nominal", "levels": {"x\x0b": "x", "y": "y"}}})
    with pytest.raises(InputError, match=r"the level 'x\\x0b' holds a character that XML cannot"):
        write_label_studio(TASKS, rubric, tmp_path)


@pytest.mark.parametrize("tasks", [[], [Task("", "q", "r")], [TASKS[0], TASKS[0]]])
@pytest.mark.parametrize("write", [write_csv, write_label_studio])
def test_tasks_without_ids_of_their_own_are_not_given_out(write, tasks, tmp_path):
    with pytest.raises(InputError, match="tasks: "):
        write(tasks, RUBRIC, tmp_path)


# Label Studio: what is no answer


def test_a_cancelled_annotation_counts_as_none(tmp_path):
    exported = export(tmp_path)
    skipped = exported[0]["annotations"][0] | {"was_cancelled": True, "result": [], "completed_by": BEN}
    exported[0]["annotations"].append(skipped)
    assert set(read(exported, tmp_path).ratings["rater_id"]) == {"1"}
    exported[0]["annotations"] = [skipped]
    refused(exported, tmp_path, "1 of 3 tasks have no annotation: t0001")


def test_a_prediction_is_never_read_as_an_annotation(tmp_path):
    exported = export(tmp_path)
    exported[1]["predictions"] = [{"id": 1, "result": exported[1]["annotations"].pop()["result"]}]
    refused(exported, tmp_path, "1 of 3 tasks have no annotation: t0002")


@pytest.mark.parametrize("trace", ["parent_prediction", "prediction", "prediction-changed"])
def test_an_annotation_that_began_as_a_prediction_is_refused(trace, tmp_path):
    exported = export(tmp_path)
    annotation = exported[1]["annotations"][0]
    if trace == "parent_prediction":
        annotation[trace] = 7
    else:
        annotation["result"][0]["origin"] = trace
    refused(exported, tmp_path, "task t0002, annotation 200: began as a model's prediction, which is no human label")


def test_an_annotation_beside_which_a_prediction_lay_is_a_human_s(tmp_path):
    exported = export(tmp_path)  # as the server writes it where the task has a prediction that the rater did not start from
    exported[0]["annotations"][0] |= {"prediction": {"id": 7, "result": []}, "parent_prediction": None}
    exported[0]["annotations"][0]["result"][0]["origin"] = "manual"
    assert len(read(exported, tmp_path).ratings) == 12


@pytest.mark.parametrize("name", ["query", "response"])
def test_a_task_whose_text_was_changed_is_refused(name, tmp_path):
    exported = export(tmp_path)
    exported[1]["data"] = exported[1]["data"] | {name: "another"}
    told = (
        f"task t0002: the {name} is not the one that was given out: found 'another', expected",
        "have the task annotated again",
    )
    refused(exported, tmp_path, *told)


def test_how_lines_end_is_no_change_of_a_text(tmp_path):
    exported = export(tmp_path)
    assert exported[1]["data"]["response"] == "two\r\nlines"
    exported[1]["data"] = exported[1]["data"] | {"response": "two\nlines"}
    assert len(read(exported, tmp_path).ratings) == 12


def test_a_file_of_another_project_is_refused(tmp_path):
    others = [replace(TASKS[0], response="other"), *TASKS[1:]]
    refused(export(tmp_path, others), tmp_path, "task t0001: its batch is '", "belongs to other tasks")
    reworded = rubric_with(SCALES | {"harsh": {"kind": "binary", "levels": {0: "It is", 1: "It is not"}}})
    refused(export(tmp_path, rubric=reworded), tmp_path, "its batch is '", "tasks or rubric were changed since")
    exported = export(tmp_path)
    exported[0]["data"] = {"text": "Somebody else's"}
    refused(exported, tmp_path, "a task has no 'task_id'. Found: text.", "into which tasks.json was imported")


def test_an_unknown_task_is_refused_with_the_nearest(tmp_path):
    exported = export(tmp_path)
    exported[2]["data"] = exported[2]["data"] | {"task_id": "t003"}
    refused(exported, tmp_path, "no task 't003' was given out. Did you mean 't0003'?", "There are 3, from t0001 on")


def test_a_partial_export_names_how_many_and_the_first_few(tmp_path):
    tasks = [Task(f"t{k:04}", f"q{k}", "r") for k in range(9)]
    exported = export(tmp_path, tasks)
    for task in exported[1:8]:
        task["annotations"] = []
    refused(exported, tmp_path, "7 of 9 tasks have no annotation: t0001, t0002, t0003, t0004, t0005, ...", tasks=tasks)


def test_a_criterion_left_out_is_named_with_the_rater(tmp_path):
    exported = export(tmp_path)
    exported[2]["annotations"][0]["result"].pop(1)
    refused(exported, tmp_path, "task t0003, annotation 300: rater '1' left out harsh of task t0003")
    exported[2]["annotations"][0]["result"] = []
    refused(exported, tmp_path, "left out depth of task t0003")


def test_a_level_that_is_not_on_the_scale_is_refused(tmp_path):
    exported = export(tmp_path)
    results = exported[0]["annotations"][0]["result"]
    results[0]["value"] = {"choices": ["level:7"]}
    refused(exported, tmp_path, "rater '1' gave '7' on depth of task t0001: expected one of -1, 0, 1")
    results[0]["value"] = {"choices": ["7"]}
    refused(exported, tmp_path, "control 'depth-level': holds '7', which config.xml does not offer")
    results[0]["value"] = {"choices": ["level:0"]}
    results[3]["value"] = {"number": 10.5}
    refused(exported, tmp_path, "rater '1' gave '10.5' on warmth of task t0001: expected a number from 0 to 10")
    results[3]["value"] = {"number": float("nan")}
    refused(exported, tmp_path, "rater '1' gave 'nan' on warmth")
    results[3]["value"] = {"number": True}
    refused(exported, tmp_path, "control 'warmth-level': holds True")


def test_two_levels_for_one_criterion_are_refused(tmp_path):
    exported = export(tmp_path)
    results = exported[0]["annotations"][0]["result"]
    results[0]["value"] = {"choices": ["level:0", "level:1"]}
    refused(exported, tmp_path, "gave '0' and '1' on depth of task t0001. Expected one answer")
    results[0]["value"] = {"choices": ["level:0"]}
    results.append({"from_name": "warmth-not-applicable", "type": "choices", "value": {"choices": ["not_applicable"]}})
    refused(exported, tmp_path, "gave '2.5' and 'not_applicable' on warmth of task t0001")


def test_that_a_question_does_not_apply_is_taken_only_where_the_rubric_says_so(tmp_path):
    exported = export(tmp_path)
    exported[0]["annotations"][0]["result"][1]["value"] = {"choices": ["not_applicable"]}
    refused(exported, tmp_path, "says that harsh does not apply to task t0001, and the rubric does not offer that")


def test_two_annotations_of_one_task_by_one_rater_are_refused(tmp_path):
    exported = export(tmp_path)
    exported[0]["annotations"].append(exported[0]["annotations"][0] | {"id": 101})
    told = ("task t0001, annotation 101: rater '1' has annotated task t0001 before, at", "annotation 100", "delete the other")
    refused(exported, tmp_path, *told)


def test_an_annotator_is_named_as_the_export_names_them_or_it_is_refused(tmp_path):
    exported = export(tmp_path)
    for task in exported:
        task["annotations"][0]["completed_by"] = {"id": 1, "email": "ann@example.org"}
    assert set(read(exported, tmp_path).ratings["rater_id"]) == {"ann@example.org"}
    exported[0]["annotations"][0]["completed_by"] = None
    refused(exported, tmp_path, "task t0001, annotation 100: names no annotator")


def test_a_rating_in_stars_and_a_project_s_own_questions_do_no_harm(tmp_path):
    exported = export(tmp_path)
    exported[0]["annotations"][0]["result"][0] |= {"type": "rating", "value": {"rating": 1}}
    exported[0]["annotations"][0]["result"].append({"from_name": "mood", "type": "choices", "value": {"choices": ["good"]}})
    assert read(exported, tmp_path).ratings["value"][0] == "1"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "is no list of tasks"),
        ("[1]", "is no list of tasks"),
        ("[", "cannot be read as JSON"),
        ("[]", "3 of 3 tasks have no annotation"),
    ],
)
def test_a_file_that_is_no_export_is_refused(text, told, tmp_path):
    path = tmp_path / "export.json"
    path.write_text(text)
    refused_sheet(path, str(path), told)
    refused_sheet(tmp_path / "none.json", "cannot be read as JSON")
    refused_sheet(tmp_path / "sheet.xlsx", "'.xlsx' is no file of annotations")


# Several files, raters


def test_raters_of_one_project_each_are_read_from_a_folder(tmp_path):
    config, data = written(tmp_path / "given")
    exports = tmp_path / "exports"
    exports.mkdir()
    for rater in (ANN, BEN):
        said = {task.task_id: [(rater, answered(config))] for task in TASKS}
        (exports / f"{rater}.json").write_text(json.dumps(as_json(data, said)), "utf-8")
    sheet(exports, rater="cem")
    raters = exports / "raters.csv"
    raters.write_text("rater_id,home\n1,Pune\n2,Lagos\ncem,\nidle,Oslo\n", "utf-8")
    found = read_annotations(exports, TASKS, RUBRIC, raters)
    assert found.ratings.groupby("rater_id").size().to_dict() == {"1": 12, "2": 12, "cem": 12}
    assert found.raters.to_dict("list") == {"rater_id": ["1", "2", "cem", "idle"], "home": ["Pune", "Lagos", "", "Oslo"]}
    (tmp_path / "empty").mkdir()
    refused_sheet(tmp_path / "empty", "holds no annotations")


def test_ratings_stand_in_the_order_of_tasks_raters_and_criteria(tmp_path):
    config, data = written(tmp_path)
    said = {task.task_id: [(BEN, answered(config)), (ANN, answered(config))] for task in TASKS}
    found = read(as_json(data, said)[::-1], tmp_path).ratings
    assert found["task_id"].tolist() == ["t0001"] * 8 + ["t0002"] * 8 + ["t0003"] * 8
    assert found["rater_id"].tolist() == (["1"] * 4 + ["2"] * 4) * 3
    assert found["criterion"].tolist() == ["depth", "harsh", "tone", "warmth"] * 6
    assert found["value"].tolist() == ["-1", "1", "true", "2.5"] * 6
    assert (found.dtypes == pd.Series(["a"], dtype="str").dtype).all()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rater_id,home\n2,Pune\n", "no row for rater '1', who has annotated"),
        ("rater_id\n1@example.org\n", "Found: 1@example.org. Add one"),
        ("rater_id,home\n1,Pune\n1,Pune\n", "row 3: rater '1' has a row already"),
        ("rater_id,home\n1,Pune\n,Oslo\n", "row 3: rater_id is empty"),
        ("rater,home\n1,Pune\n", "no column 'rater_id'. Did you mean 'rater'?"),
        ("", "no column 'rater_id'. Found: no rows"),
        ("rater_id,home,home\n1,a,b\n", "the column 'home' stands twice"),
        ("rater_id,home\n1,Pune,Oslo\n", "row 2: 'Oslo' stands in a column without a name"),
    ],
)
def test_raters_who_cannot_be_told_are_refused(text, told, tmp_path):
    raters = tmp_path / "raters.csv"
    raters.write_text(text, "utf-8")
    refused(export(tmp_path), tmp_path, f"{raters}: ", told, raters=raters)


# Sheets


def test_a_sheet_survives_what_spreadsheets_do_to_it(tmp_path):
    """Semicolons, a mark of UTF-8, marks of text taken off, other line ends, columns left empty and a column of notes."""
    path = sheet(tmp_path)
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"), newline="")))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, [*rows[0], "notes"], delimiter=";", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        plain = {name: text.removeprefix("'").replace("\r\n", "\n") for name, text in row.items()}
        writer.writerow(plain | {"notes": "=fine", "depth": " 0 ", "warmth": "3.0"})
    path.write_text("\ufeff" + out.getvalue() + ";" * 12 + "\n", "utf-8", newline="")
    found = read_annotations(path, TASKS, RUBRIC).ratings
    assert found["value"].tolist() == ["0", "1", "true", "3"] * 3


def test_an_apostrophe_that_marks_nothing_stays_in_a_reason(tmp_path):
    answers = {t.task_id: [("ann", cells(ANSWERS) | {"depth.reason": "'tis", "harsh.reason": "'=1"})] for t in TASKS}
    found = read_annotations(sheet(tmp_path, answers), TASKS, RUBRIC).ratings
    assert found["rationale"].tolist() == ["'tis", "=1", "", ""] * 3


def test_rows_that_nobody_filled_count_as_not_annotated(tmp_path):
    answers = {t.task_id: [("ann", cells(ANSWERS)), ("ben", {})] for t in TASKS}
    assert set(read_annotations(sheet(tmp_path, answers), TASKS, RUBRIC).ratings["rater_id"]) == {"ann"}
    empty, _ = write_csv(TASKS, RUBRIC, tmp_path)
    refused_sheet(empty, "3 of 3 tasks have no annotation")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.replace("t0003", "t0009"), ("row 4: no task 't0009' was given out",)),
        (lambda t: t.replace("Where is it?", "Where was it?"), ("row 2: the query is not the one", "'Where was it?'")),
        (lambda t: t.replace(",depth,", ",deptth,"), ("no column 'depth'. Did you mean 'deptth'?",)),
        (lambda t: t.replace(",-1,", ",7,", 1), ("row 2: rater 'ann' gave '7' on depth", "expected one of -1, 0, 1")),
        (lambda t: t.replace(",-1,,1,", ",-1,,not_applicable,"), ("gave 'not_applicable' on harsh", "expected 0 or 1")),
        (lambda t: t.replace(",-1,,1,", ",-1,,,"), ("rater 'ann' left out harsh of task t0001",)),
        (lambda t: t.replace("ann", ""), ("row 2: rater_id is empty",)),
        (lambda t: t.replace("t0003,", "t0003,\ud83d".encode("utf-8", "replace").decode()), ("the query is not the one",)),
        (lambda t: t + 't0001,"', ("cannot be read as a table", "CSV UTF-8")),
    ],
)
def test_a_sheet_that_is_not_right_is_refused_by_row(change, told, tmp_path):
    path = sheet(tmp_path)
    refused_sheet(edited(path, change), str(path), *told)


def test_a_row_that_stands_twice_is_refused_and_a_sheet_that_is_not_utf_8(tmp_path):
    path = sheet(tmp_path, {t.task_id: [("ann", cells(ANSWERS))] * 2 for t in TASKS})
    refused_sheet(path, "row 3: rater 'ann' has annotated task t0001 before, at", "row 2")
    path.write_bytes("task_id\nnaïve".encode("latin-1"))
    refused_sheet(path, "cannot be read as a table", "Save it as 'CSV UTF-8'")


def test_the_format_that_hides_predictions_is_refused(tmp_path):
    refused(as_json_min(export(tmp_path)), tmp_path, "as an export in the format JSON-MIN", "Export the project as JSON")
