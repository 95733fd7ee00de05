"""From a study file to verdicts: what is planted is found, blocks are whole, and every stage resumes. All worlds here are made up."""

import json
import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import judgefair as jf
from judgefair.errors import BudgetError, InputError
from judgefair.runs.items import read_run_items
from judgefair.runs.queries import read_queries, read_responses
from judgefair.study import load_study, price

GAP, BIAS = -0.6, 0.4
PLANTED = f"""
planted:
  base: {{critique_depth: 2.0, respect_for_dialect: 1.0}}
  system: [{{criterion: critique_depth, axis: dialect, group: african_american_english, adds: {GAP}}}]
  judge: [{{criterion: critique_depth, axis: dialect, group: indian_english, adds: {BIAS}}}]
  noise: {{scenario: 0.2, answer: 0.02, judge: 0.02, rater: 0.04}}
"""


def study_file(
    folder: Path, *, plan: str = "scenarios: 80, axes: [dialect]", n: int = 480, planted: str = PLANTED, more: str = ""
) -> Path:
    """A planted study; what is given replaces its plan, number of labels, or truths."""
    folder.mkdir(parents=True, exist_ok=True)
    text = f"""
id: made_up
rubric: writing_tutor
as_of: 2026-01-01
plan: {{{plan}}}
systems: [{{id: tutor, kind: chat, model: "scripted:planted"}}]
judges: [{{model: "scripted:planted"}}]
calibration: {{n: {n}}}
{more}
"""
    path = folder / "study.yaml"
    path.write_text(textwrap.dedent(text) + planted, "utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("planted")


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    return jf.run_study(study_file(folder), folder / "run", use_cache=False)


@pytest.fixture(scope="module")
def report(run: Path) -> dict[str, Any]:
    return json.loads((run / "report.json").read_text("utf-8"))


def verdict_of(report: dict[str, Any], criterion: str, group: str) -> dict[str, Any]:
    (found,) = [v for v in report["verdicts"] if v["criterion"] == criterion and group in v["population"].values()]
    return found


def holds(part: dict[str, Any]) -> bool:
    return part["low"] <= part["truth"] <= part["high"]


def test_the_planted_gap_and_the_planted_bias_are_found_within_their_intervals(report: dict[str, Any]) -> None:
    worse = verdict_of(report, "critique_depth", "african_american_english")
    assert worse["verdict"] == "disparity"
    assert worse["corrected"]["truth"] == GAP
    assert holds(worse["corrected"])
    assert worse["judge_made"]["truth"] == 0
    assert holds(worse["judge_made"])
    flattered = verdict_of(report, "critique_depth", "indian_english")
    assert flattered["raw"]["truth"] == flattered["judge_made"]["truth"] == BIAS
    assert holds(flattered["judge_made"])
    assert holds(flattered["raw"])
    assert holds(flattered["corrected"])
    assert flattered["judge_made"]["low"] > 0  # and it is seen


def test_the_planted_null_is_equivalent(report: dict[str, Any]) -> None:
    assert verdict_of(report, "critique_depth", "indian_english")["verdict"] == "equivalent"
    for group in ("african_american_english", "indian_english"):
        assert verdict_of(report, "respect_for_dialect", group)["verdict"] == "equivalent"


def test_the_truth_stands_beside_the_estimate_in_the_report(report: dict[str, Any], run: Path) -> None:
    told = [e for e in report["estimates"] if "truth" in e]
    assert {e["estimand"] for e in told} == {"gap.raw", "gap.corrected", "gap.judge_made", "judge_error_gap"}
    assert report["labels"] == "simulated"
    assert "no human rated" in (run / "report.html").read_text("utf-8")


def test_a_second_run_with_the_same_seed_gives_the_same_bytes(folder: Path, run: Path) -> None:
    again = jf.run_study(folder / "study.yaml", folder / "again", use_cache=False)
    names = sorted(path.name for path in run.glob("*.parquet"))
    assert names == ["items.parquet", "queries.parquet", "ratings.parquet", "responses.parquet"]
    for name in [*names, "estimation.json", "planted.json"]:
        assert (again / name).read_bytes() == (run / name).read_bytes(), name


def test_run_again_it_asks_for_nothing_and_changes_nothing(folder: Path, run: Path) -> None:
    before = {path.name: path.read_bytes() for path in run.glob("*.parquet")}
    asked: dict[str, Any] = {}

    def on_progress(stage: str) -> Callable[[Any], None]:
        return lambda progress: asked.__setitem__(stage, (progress.done, progress.reused, progress.budget.calls))

    jf.run_study(folder / "study.yaml", run, use_cache=False, on_progress=on_progress)
    assert {path.name: path.read_bytes() for path in run.glob("*.parquet")} == before
    assert [calls for _, _, calls in asked.values()] == [0, 0, 0]


def test_another_seed_gives_other_scenarios(folder: Path, run: Path) -> None:
    other = jf.run_study(study_file(folder / "other", more="seed: 1"), folder / "other" / "run", use_cache=False)
    assert (other / "queries.parquet").read_bytes() != (run / "queries.parquet").read_bytes()


def test_with_a_third_of_the_renders_failing_only_whole_blocks_are_used_and_the_truth_is_still_found(tmp_path: Path) -> None:
    planted = PLANTED + "  failing_renders: 0.3\n"
    path = study_file(tmp_path, plan="scenarios: 100, axes: [dialect], rerenders: 1", n=180, planted=planted)
    run = jf.run_study(path, tmp_path / "run", use_cache=False)
    queries = read_queries(run)
    arms: dict[str, set[str]] = {}
    for query in queries:
        if query.kept:
            arms.setdefault(query.block_id, set()).add(query.arm)
    assert 20 < len(arms) < 60  # of 100: (1 - 0.09) to the power of 11 arms is 0.35
    assert {len(found) for found in arms.values()} == {11}
    assert {item.meta["block"] for item in read_run_items(run)} == set(arms)
    assert sum(query.rejected_because == "render" for query in queries) > 100
    report = json.loads((run / "report.json").read_text("utf-8"))
    told = [part for v in report["verdicts"] for part in (v["raw"], v["corrected"], v["judge_made"]) if "truth" in part]
    assert len(told) == 12
    assert sum(map(holds, told)) >= 11


def test_a_system_that_answers_worse_to_any_personal_sentence_has_no_disparity(tmp_path: Path) -> None:
    planted = PLANTED.split("  system:")[0] + "  system: [{criterion: critique_depth, adds: -1.0}]\n"
    run = jf.run_study(study_file(tmp_path, planted=planted), tmp_path / "run", use_cache=False)
    report = json.loads((run / "report.json").read_text("utf-8"))
    assert {v["verdict"] for v in report["verdicts"] if "dialect" in v["population"]} == {"equivalent"}
    excess = [e for e in report["estimates"] if e["estimand"] == "flip_rate.excess"]
    assert len(excess) == 4
    assert all(e["low"] <= 0 <= e["high"] for e in excess)
    by_arm = pd.Series({i.item_id: i.meta["arm"] for i in read_run_items(run)})
    ratings = pd.read_parquet(run / "ratings.parquet").query("rater_kind == 'judge' and criterion == 'critique_depth'")
    means = ratings.groupby(ratings["item_id"].map(by_arm))["value"].mean()
    assert means["neutral"] - means.drop("neutral").max() > 0.6  # the effect is there, and is no population's


def test_cues_of_one_population_that_disagree_leave_it_undetermined(tmp_path: Path) -> None:
    opposite = [
        f"{{criterion: critique_depth, axis: dialect, group: indian_english, cue: {cue}, adds: {adds}}}"
        for cue, adds in (("dialect", 0.7), ("situation", -0.7))
    ]
    planted = PLANTED.split("  system:")[0] + f"  system: [{', '.join(opposite)}]\n  noise: {{scenario: 0.1}}\n"
    run = jf.run_study(study_file(tmp_path, planted=planted), tmp_path / "run", use_cache=False)
    report = json.loads((run / "report.json").read_text("utf-8"))
    found = verdict_of(report, "critique_depth", "indian_english")
    assert found["verdict"] == "undetermined"
    assert found["reasons"][0].startswith("cues disagree")
    assert abs(found["corrected"]["value"]) < 0.2  # which alone would have been an equivalence


def test_crossed_arms_find_the_truth_of_each_axis(tmp_path: Path) -> None:
    path = study_file(tmp_path, plan="scenarios: 40, strength: 2, cues: [situation]", n=360)
    run = jf.run_study(path, tmp_path / "run", use_cache=False)
    report = json.loads((run / "report.json").read_text("utf-8"))
    items = read_run_items(run)
    assert {len(item.populations) for item in items if item.populations} == {2}
    worse = verdict_of(report, "critique_depth", "african_american_english")
    assert worse["corrected"]["truth"] == GAP
    assert holds(worse["corrected"])
    assert worse["corrected"]["high"] < -0.3
    for group in ("spanish", "mandarin"):
        other = verdict_of(report, "critique_depth", group)
        assert other["corrected"]["truth"] == 0
        assert holds(other["corrected"])


def test_several_systems_and_judges_each_have_a_run_and_one_report_tells_them_apart(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    text = """
        id: grid
        rubric: writing_tutor
        as_of: 2026-01-01
        plan: {scenarios: 3, axes: [dialect], cues: [situation]}
        systems:
          - {id: plain, model: "scripted:first"}
          - {id: other, model: "scripted:hash"}
        judges: [{model: "scripted:middle"}, {model: "scripted:length"}]
        refusals: markers
    """
    path.write_text(textwrap.dedent(text), "utf-8")
    run = jf.run_study(path, tmp_path / "run", use_cache=False)
    folders = sorted(str(p.parent.relative_to(run)) for p in run.glob("*/*/estimation.json"))
    assert folders == ["other/scripted-length", "other/scripted-middle", "plain/scripted-length", "plain/scripted-middle"]
    report = json.loads((run / "report.json").read_text("utf-8"))
    assert jf.build_report(run).to_json() == report
    assert {v["of"] for v in report["verdicts"]} == {
        f"{system}, judged by scripted:{judge}" for system in ("plain", "other") for judge in ("middle", "length")
    }
    assert report["sections"][0]["id"] == "overview"
    assert {v["verdict"] for v in report["verdicts"]} == {"undetermined", "reported"}


def test_a_python_system_that_fails_in_some_arms_leaves_their_scenarios_out(tmp_path: Path) -> None:
    (tmp_path / "pipeline.py").write_text(
        textwrap.dedent(
            """
            def answer(query: str) -> str:
                if "Chennai" in query:
                    raise RuntimeError("no such town")
                return "Name one reason against your claim, and answer it."
            """
        ),
        "utf-8",
    )
    path = tmp_path / "study.yaml"
    text = """
        id: pipeline
        rubric: writing_tutor
        as_of: 2026-01-01
        plan: {scenarios: 8, axes: [dialect], cues: [situation]}
        systems: [{id: pipeline, kind: python, function: "pipeline:answer"}]
        judges: [{model: "scripted:length"}]
        refusals: markers
    """
    path.write_text(textwrap.dedent(text), "utf-8")
    run = jf.run_study(path, tmp_path / "run", use_cache=False)
    responses = read_responses(run)
    failed = [response for response in responses if response.missing]
    assert failed
    assert {(r.missing.reason, r.missing.detail) for r in failed if r.missing} == {
        ("backend_failure", "RuntimeError: no such town")
    }
    report = json.loads((run / "report.json").read_text("utf-8"))
    whole = len({q.block_id for q in read_queries(run)}) - len(failed)
    raw = verdict_of(report, "critique_depth", "african_american_english")["raw"]
    assert raw["n_clusters"] == whole
    assert any(f"{len(failed)} scenarios are left out" in note for note in report["notes"])


def test_answers_collected_elsewhere_are_judged_as_they_are(tmp_path: Path) -> None:
    rubric = jf.load_rubric("writing_tutor")
    from judgefair.simulate import plan, render_template

    design = plan(rubric, 3, axes=["dialect"], cues=["situation"])
    rows = [
        {"query_id": q.query_id, "query": q.text, "response": f"Answer to {q.query_id}."}
        for q in render_template(design, rubric.context)
    ]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    path = tmp_path / "study.yaml"
    text = """
        id: recorded
        rubric: writing_tutor
        as_of: 2026-01-01
        plan: {scenarios: 3, axes: [dialect], cues: [situation]}
        systems: [{id: elsewhere, kind: recorded, path: answers.jsonl}]
        judges: [{model: "scripted:length"}]
        refusals: markers
    """
    path.write_text(textwrap.dedent(text), "utf-8")
    run = jf.run_study(path, tmp_path / "run", use_cache=False)
    assert [r.text for r in read_responses(run)] == [row["response"] for row in rows]


def test_verdicts_are_refused_for_another_system(folder: Path, run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "copy")
    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    manifest["system"]["fingerprint"] = "0" * 64
    (copy / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(
        InputError, match=r"verdicts are of the system tutor \(chat, .*and it now holds answers of tutor \(chat, 000000000000\)"
    ):
        jf.build_report(copy)


def test_a_dry_run_tells_calls_and_the_price_where_it_is_known(tmp_path: Path) -> None:
    told = price(study_file(tmp_path, more='prices: {"scripted:planted": {input: 2.0, output: 8.0}}'))
    assert (told["blocks"], told["arms"], told["queries"]) == (80, 11, 880)
    assert told["calls"] == 3 * 880 == sum(row["calls"] for row in told["by_stage"])
    tokens = told["assumed_tokens"]
    assert told["price"] == pytest.approx(3 * 880 * (tokens["prompt"] * 2 + tokens["answer"] * 8) / 1e6, rel=0.001)
    assert price(study_file(tmp_path))["unpriced"] == ["scripted:planted"]
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("judges: [{model: \"scripted:planted\"}]", "judges: [{model: local}]"), "would pass for people"),
        (("seed", "sede"), "sede"),
        (("kind: chat", "kind: chta"), "Did you mean 'chat'"),
        (("group: african_american_english", "group: martian"), "no group of axis dialect"),
        (("adds: -0.6", "adds: -3"), "beyond its scale"),
        (("axes: [dialect]", "axes: [dialects]"), "is no axis of the rubric"),
        (("scenarios: 80", "scenarios: 8000"), "Expected 1 to"),
        (("n: 480", "n: 480000"), "not drawn yet"),
        (("base: {critique_depth: 2.0, ", "base: {"), "Expected the rubric's criteria"),
    ],
)  # fmt: skip
def test_a_study_that_cannot_be_is_refused_in_words(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    path = study_file(tmp_path, more="seed: 0")
    text = path.read_text("utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change), "utf-8")
    with pytest.raises(InputError, match=told):
        jf.run_study(path, tmp_path / "run", use_cache=False)


def test_planted_models_need_a_planted_world(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"study.yaml:\d+: scripted:planted needs a `planted` block"):
        load_study(study_file(tmp_path, planted=""))


def test_what_real_users_ask_stands_beside_matched_intent(tmp_path: Path) -> None:
    rows = []
    for user in range(120):
        group = ("mainstream", "african_american_english")[user % 2]
        asks_much = user // 2 % 4 < (3 if group == "mainstream" else 1)  # the one population asks harder things more often
        text = "Look at my essay on bees and tell me all that is wrong." if asks_much else "Is my title good?"
        intent = "essay" if asks_much else "title"
        rows.append({"query": f"{text} It is number {user}.", "user_id": f"u{user}", "intent": intent, "pop.dialect": group})
    logs, card = tmp_path / "logs.jsonl", tmp_path / "card.yaml"
    logs.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    card.write_text(
        "id: made_up_logs\ntitle: Made up for a test\nconsent: nobody was asked, since nobody wrote them\ncollected: never\n"
        "populations_from: made up\nlicence: none\nknown_issues: []\n",
        "utf-8",
    )
    from judgefair.runs.logs import import_logs

    import_logs(logs, card, jf.load_rubric("writing_tutor").context, tmp_path / "real")
    text = """
        id: mixed
        rubric: writing_tutor
        as_of: 2026-01-01
        plan: {scenarios: 30, axes: [dialect], cues: [situation], logs: real}
        systems: [{id: tutor, kind: python, function: "tutor:answer"}]
        judges: [{model: "scripted:length"}]
        refusals: markers
    """
    (tmp_path / "study.yaml").write_text(textwrap.dedent(text), "utf-8")
    (tmp_path / "tutor.py").write_text("def answer(query):\n    return 'Well. ' * (200 if 'essay' in query else 1)\n", "utf-8")
    run = jf.run_study(tmp_path / "study.yaml", tmp_path / "run", use_cache=False)
    report = json.loads((run / "report.json").read_text("utf-8"))
    of = {
        (e["estimand"], (e["population"] or {}).get("dialect")): e
        for e in report["estimates"]
        if e["criterion"] in {"critique_depth", "all"}
    }  # fmt: skip
    group = "african_american_english"
    lived = of["as_lived.gap.raw", group]
    assert lived["value"] < -0.3
    assert lived["n_items"] == 120
    assert of["as_lived.explained", group]["value"] == pytest.approx(
        lived["value"], abs=0.05
    )  # all of it comes with what is asked
    assert of["as_lived.unexplained", group]["value"] == pytest.approx(0, abs=0.05)
    assert abs(verdict_of(report, "critique_depth", group)["raw"]["value"]) < 0.05  # at matched intent there is none
    assert of["sim_to_real.auc", group]["value"] > 0.95
    (mix,) = [section for section in report["sections"] if section["id"] == "mix"]
    assert "Consent: nobody was asked, since nobody wrote them" in json.dumps(mix)


def test_one_file_of_human_ratings_serves_all_systems_of_a_study(tmp_path: Path) -> None:
    text = """
        id: rated
        rubric: writing_tutor
        as_of: 2026-01-01
        plan: {scenarios: 2, axes: [dialect], cues: [situation], placebos: false}
        systems: [{id: plain, model: "scripted:first"}, {id: other, model: "scripted:hash"}]
        judges: [{model: "scripted:middle"}]
        refusals: markers
    """
    (tmp_path / "study.yaml").write_text(textwrap.dedent(text), "utf-8")
    run = jf.run_study(tmp_path / "study.yaml", tmp_path / "run", use_cache=False)
    items = [item.item_id for cell in ("plain", "other") for item in read_run_items(run / cell / "scripted-middle")]
    lines = [f"{item_id},critique_depth,ann,{k % 5}" for k, item_id in enumerate(items)]
    (tmp_path / "humans.csv").write_text("item_id,criterion,rater_id,value\n" + "\n".join(lines) + "\n", "utf-8")
    (tmp_path / "study.yaml").write_text(textwrap.dedent(text) + "calibration: {ratings: humans.csv}\n", "utf-8")
    jf.run_study(tmp_path / "study.yaml", run, use_cache=False)
    for cell in ("plain", "other"):
        humans = pd.read_parquet(run / cell / "scripted-middle" / "ratings.parquet").query("rater_kind == 'human'")
        assert len(humans) == len(items) / 2
    (tmp_path / "humans.csv").write_text("item_id,criterion,rater_id,value\nb9,critique_depth,ann,1\n", "utf-8")
    with pytest.raises(InputError, match="item_id 'b9' is no item of the study"):
        jf.run_study(tmp_path / "study.yaml", run, use_cache=False)


def test_a_study_ends_where_its_budget_does_and_goes_on_with_a_larger_one(tmp_path: Path) -> None:
    path = study_file(tmp_path, plan="scenarios: 2, axes: [dialect]", n=12, more="budget: {calls: 9}\nconcurrency: 1")
    with pytest.raises(BudgetError, match="queries to tutor were not put"):
        jf.run_study(path, tmp_path / "run", use_cache=False)
    path.write_text(path.read_text("utf-8").replace("calls: 9", "calls: 900"), "utf-8")
    asked: dict[str, Any] = {}

    def on_progress(stage: str) -> Callable[[Any], None]:
        return lambda progress: asked.__setitem__(stage, progress.reused)

    jf.run_study(path, tmp_path / "run", use_cache=False, on_progress=on_progress)
    assert asked["tutor answers"] == 9


def test_simulated_labels_stay_simulated_whatever_else_is_done_in_their_folder(run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "copy")
    jf.judge(jf.load_program(copy / "program.json"), read_run_items(copy), jf.models.scripted("hash"), copy, use_cache=False)
    assert jf.estimate(copy).scope["labels"] == "simulated"
    assert jf.build_report(copy).labels == "simulated"


def test_a_folder_of_one_study_is_not_taken_for_another(run: Path, folder: Path, tmp_path: Path) -> None:
    text = """
        id: made_up
        rubric: writing_tutor
        as_of: 2026-01-01
        plan: {scenarios: 2, axes: [dialect], cues: [situation]}
        systems: [{id: tutor, model: "scripted:first"}]
        judges: [{model: "scripted:middle"}]
        refusals: markers
    """
    path = tmp_path / "study.yaml"
    path.write_text(textwrap.dedent(text), "utf-8")
    with pytest.raises(InputError, match=r"holds the planted study made_up .* and this is the real study made_up"):
        jf.run_study(path, run, use_cache=False)
    real = jf.run_study(path, tmp_path / "real", use_cache=False)
    path.write_text(textwrap.dedent(text).replace("middle", 'middle"}, {model: "scripted:hash'), "utf-8")
    with pytest.raises(InputError, match="of one pair of system and judge, and this is the real study made_up of several pairs"):
        jf.run_study(path, real, use_cache=False)


def test_people_s_labels_are_not_lost_when_a_study_changes(tmp_path: Path) -> None:
    text = """
        id: labelled
        rubric: writing_tutor
        as_of: 2026-01-01
        plan: {scenarios: 4, axes: [dialect], cues: [situation], placebos: false}
        systems: [{id: tutor, model: "scripted:first"}]
        judges: [{model: "scripted:middle"}]
        refusals: markers
    """
    path = tmp_path / "study.yaml"
    path.write_text(textwrap.dedent(text), "utf-8")
    run = jf.run_study(path, tmp_path / "run", use_cache=False)
    ids = [item.item_id for item in read_run_items(run) if item.populations]
    (tmp_path / "humans.csv").write_text(
        "item_id,criterion,rater_id,value\n" + "".join(f"{i},critique_depth,ann,2\n" for i in ids), "utf-8"
    )
    jf.estimate(run, ratings=tmp_path / "humans.csv")
    kept = (run / "ratings.parquet").read_bytes()
    path.write_text(textwrap.dedent(text).replace("scenarios: 4", "scenarios: 2"), "utf-8")
    with pytest.raises(InputError, match=r"holds 6 human ratings of items whose texts would change or go"):
        jf.run_study(path, run, use_cache=False)
    assert (run / "ratings.parquet").read_bytes() == kept
    assert len(read_run_items(run)) == 16


def test_a_planted_study_of_two_systems_goes_on_in_its_folder(tmp_path: Path) -> None:
    path = study_file(tmp_path, plan="scenarios: 2, axes: [dialect], cues: [situation]", n=6)
    two = '{id: tutor, kind: chat, model: "scripted:planted"}, {id: twin, kind: chat, model: "scripted:planted"}'
    path.write_text(path.read_text("utf-8").replace('{id: tutor, kind: chat, model: "scripted:planted"}', two), "utf-8")
    run = jf.run_study(path, tmp_path / "run", use_cache=False)
    first = (run / "report.json").read_bytes()
    assert (jf.run_study(path, run, use_cache=False) / "report.json").read_bytes() == first
    assert json.loads(first)["labels"] == "simulated"
