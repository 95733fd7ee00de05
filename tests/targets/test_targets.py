"""Are kinds of systems found, their settings checked in words, and is listing them free?"""

import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

from judgefair import plugins
from judgefair.errors import InputError
from judgefair.rubric.context import Strict
from judgefair.targets import Target, make_target


def refusal(kind, settings):
    with pytest.raises(InputError) as caught:
        make_target("tutor", kind, settings, Path())
    return str(caught.value)


def test_kinds_are_the_public_files_of_the_folder():
    assert plugins.names("targets") == ["chat", "python", "recorded"]


def test_a_misspelt_kind_gets_a_suggestion():
    told = refusal("chatt", {})
    assert told == "target 'tutor': kind is 'chatt'. Did you mean 'chat'? Kinds: chat, python, recorded"


def test_private_files_are_no_kinds():
    assert "kind is '_refusal'" in refusal("_refusal", {})


def test_every_wrong_setting_is_told_at_once():
    told = refusal("python", {"fonction": "m:f", "timeout": "60"}).splitlines()
    assert [line.split(". Expected")[0] for line in told] == [
        "target 'tutor': function is missing",
        "target 'tutor': timeout is '60': Input should be a valid number",
        "target 'tutor': fonction is not a key here. Did you mean 'function'? Keys: function, timeout, version",
    ]


@pytest.mark.parametrize("kind", ["chat", "python", "recorded"])
def test_each_kind_describes_all_its_settings(kind):
    fields = plugins.load("targets", kind).Settings.model_fields
    assert fields
    assert all(field.description for field in fields.values())


def test_a_kind_may_come_from_another_package(monkeypatch):
    class Settings(Strict):
        greeting: str

    class Parrot(Target):
        def __init__(self, name, greeting, folder):
            self.id, self.settings, self.folder = name, {"kind": "parrot", "greeting": greeting}, folder

        async def answer(self, query, conversation, replicate, asker): ...

    module = ModuleType("their_parrot")
    module.Settings, module.open_target = Settings, lambda name, settings, folder: Parrot(name, settings.greeting, folder)
    monkeypatch.setitem(sys.modules, "their_parrot", module)
    point = metadata.EntryPoint("parrot", "their_parrot", "judgefair.targets")
    known = metadata.entry_points
    theirs = metadata.EntryPoints([point])
    monkeypatch.setattr(
        metadata,
        "entry_points",
        lambda **given: theirs.select(**given) if given["group"] == "judgefair.targets" else known(**given),
    )
    target = make_target("polly", "parrot", {"greeting": "hello"}, Path("studies"))
    assert (target.id, target.folder) == ("polly", Path("studies"))
    assert target.fingerprint != make_target("polly", "parrot", {"greeting": "bye"}, Path()).fingerprint
    assert "greeting is missing" in refusal("parrot", {})


def test_two_systems_of_the_same_settings_are_one_system_whatever_their_names():
    first, second = (make_target(name, "chat", {"model": "scripted:hash"}, Path()) for name in ("a", "b"))
    assert first.fingerprint == second.fingerprint
