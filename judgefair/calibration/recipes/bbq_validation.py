"""BBQ, validation: which of three answers do five raters give to each of 300 bias questions?"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from judgefair.calibration.recipes._tables import rater_table, rating_table, read_text, rows
from judgefair.calibration.tables import SetTables
from judgefair.records import Item

QUESTIONS_PER_TASK = 5
FILLER = "NA"


def read(files: Mapping[str, Path]) -> SetTables:
    """Items, answers and raters of the bias questions, without the fillers; an item's meta holds the right answer as `gold`."""
    answered = list(_answered(files["validations_finalval.csv"]))
    items = {question["uid"]: question for question in answered}
    ratings = rating_table((question["uid"], "answer", question["rater"], question["answer"], "") for question in answered)
    return SetTables([_item(question) for question in items.values()], ratings, rater_table(ratings["rater_id"]))


def _answered(path: Path) -> Iterator[dict[str, str]]:
    """One question with one rater's answer at a time; a row of the file is a task of five questions."""
    for task in rows(read_text(path)):
        for k in range(1, QUESTIONS_PER_TASK + 1):
            prefix = f"q{k}_"
            question = {name.removeprefix(prefix): cell for name, cell in task.items() if name.startswith(prefix)}
            if question["ex_id"] != FILLER:
                yield question | {"answer": task[f"Answer.q{k}"], "rater": task["anon_id"]}


def _item(question: Mapping[str, str]) -> Item:
    options = [f"{option}: {question[option]}" for option in ("ans_0", "ans_1", "ans_2")]
    return Item(
        question["uid"],
        "\n".join([question["input"], question["question"], *options]),
        "",
        {"category": question["cat"]},
        # The file names no template; items of one category that ask the same question come from one, or from near kin.
        f"{question['cat']}: {question['question']}",
        {"gold": f"ans_{question['label']}", "example_id": question["ex_id"]},
    )
