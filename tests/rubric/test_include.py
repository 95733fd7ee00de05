"""Is a criterion that several rubrics share read as if it stood in each of them, and is a mistake named where it was made?"""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from judgefair.errors import InputError
from judgefair.folders import shipped
from judgefair.rubric import load_rubric
from tests.builders import LIBRARY_DESK

SHARED = {
    "id": "candour", "question": "Does it say what it does not know?", "better": "higher", "tolerance": 0.2,
    "scale": {"kind": "ordinal", "levels": {0: "Never", 1: None, 2: "Always"}},
}  # fmt: skip


def rubric_with(folder: Path, shared: object, **own: object) -> Path:
    """The library desk's rubric with one criterion more, which includes the shared one."""
    data = yaml.safe_load(LIBRARY_DESK.read_text("utf-8"))
    one = data["criteria"][0]
    data["criteria"].append(
        {"include": "candour", **{name: deepcopy(one[name]) for name in ("stakeholder", "harms", "roles", "why")}, **own}
    )
    (folder / "shared").mkdir(parents=True)
    (folder / "shared" / "candour.yaml").write_text(yaml.safe_dump(shared, sort_keys=False), "utf-8")
    (folder / "desk").mkdir()
    (folder / "desk" / "rubric.yaml").write_text(yaml.safe_dump(data, sort_keys=False), "utf-8")
    return folder / "desk"


def test_a_shared_criterion_is_read_as_if_it_were_written_out(tmp_path: Path) -> None:
    rubric = load_rubric(rubric_with(tmp_path, SHARED))
    criterion = rubric.criterion("candour")
    assert criterion.question == SHARED["question"]
    assert criterion.stakeholder == rubric.criteria[0].stakeholder
    path = tmp_path / "desk" / "rubric.yaml"
    data = yaml.safe_load(path.read_text("utf-8"))
    data["criteria"][-1] = {**SHARED, **data["criteria"][-1]}
    del data["criteria"][-1]["include"]
    path.write_text(yaml.safe_dump(data, sort_keys=False), "utf-8")
    assert load_rubric(path).fingerprint == rubric.fingerprint


def test_what_a_rubric_says_itself_takes_the_place_of_what_is_shared(tmp_path: Path) -> None:
    rubric = load_rubric(rubric_with(tmp_path, SHARED, tolerance=0.4, id="openness"))
    assert rubric.criterion("openness").tolerance == 0.4


def test_a_mistake_in_the_shared_file_is_named_there_and_one_in_the_rubric_here(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        load_rubric(rubric_with(tmp_path, SHARED | {"better": "more"}, tolerance=-1))
    shared, own = str(refused.value).splitlines()
    assert shared.startswith(f"{tmp_path / 'shared' / 'candour.yaml'}:3: criteria[2].better is 'more'")
    assert own.startswith(f"{tmp_path / 'desk' / 'rubric.yaml'}:")
    assert "criteria[2].tolerance" in own


@pytest.mark.parametrize(
    ("shared", "own", "told"),
    [
        (SHARED, {"include": "candor"}, r"include is 'candor', and no shared criterion has that name. Did you mean 'candour'\?"),
        (SHARED, {"include": "../candour"}, r"include is '../candour', and no shared criterion has that name"),
        ([1], {}, r"candour.yaml:1: expected a mapping with the keys of a criterion"),
        (SHARED | {"include": "other"}, {}, r"candour.yaml:\d+: a shared criterion includes none"),
    ],
)
def test_what_cannot_be_included_is_refused(shared: object, own: dict[str, object], told: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=told):
        load_rubric(rubric_with(tmp_path, shared, **own))


@pytest.mark.parametrize("path", sorted((shipped("rubrics") / "shared").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_shared_criterion_has_an_id_and_every_level_anchored(path: Path) -> None:
    data = yaml.safe_load(path.read_text("utf-8"))
    assert data["id"] == path.stem
    assert all(data["scale"]["levels"].values())
