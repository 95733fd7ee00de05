"""Is a key read only from where nobody else can, and found again wherever a server repeats it?"""

import base64
import html
import json
import os
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgefair.errors import InputError
from judgefair.models.keys import MOST_BYTES, read_key, redact, refuse_or_warn

CANARY = "sk-canary-91c0d7e2"
KEYS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=12, max_size=60)


def key_file(path, content=CANARY, mode=0o600):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


def refusal(*arguments):
    with pytest.raises(InputError) as caught:
        read_key(*arguments)
    assert CANARY not in str(caught.value)
    return str(caught.value)


# Reading


@pytest.mark.parametrize("held", [CANARY, f"{CANARY}\n", f" {CANARY}\r\n"])
def test_a_key_is_read_from_the_environment_or_from_a_file_without_what_stands_around_it(held, tmp_path, monkeypatch):
    monkeypatch.setenv("DESK_KEY", held)
    assert read_key("DESK_KEY") == read_key("NOT_SET", key_file(tmp_path / "key", held)) == CANARY


def test_a_file_that_is_named_goes_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("DESK_KEY", "another-key")
    assert read_key("DESK_KEY", key_file(tmp_path / "key")) == CANARY


@pytest.mark.parametrize("held", [None, "", " \n"])
def test_a_variable_that_is_not_set_or_blank_holds_no_key(held, monkeypatch):
    monkeypatch.delenv("DESK_KEY", raising=False)
    if held is not None:
        monkeypatch.setenv("DESK_KEY", held)
    assert read_key("DESK_KEY") is None


def test_a_key_given_in_place_of_the_variable_s_name_is_refused_and_not_repeated():
    assert "--key-env is no name of an environment variable" in refusal(CANARY)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o610, 0o601])
def test_a_file_that_others_may_open_is_refused_with_the_command_that_mends_it(mode, tmp_path):
    path = key_file(tmp_path / "the key", mode=mode)
    told = refusal("DESK_KEY", path)
    assert told == f"{path}: others than its owner may open it (its mode is {mode:04o}). Expected 0600. Run: chmod 600 '{path}'"


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_of_one_s_own_is_read(mode, tmp_path):
    assert read_key("DESK_KEY", key_file(tmp_path / "key", mode=mode)) == CANARY


def test_a_link_is_judged_by_the_file_behind_it(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(key_file(tmp_path / "key", mode=0o644))
    assert "(its mode is 0644)" in refusal("DESK_KEY", link)
    (tmp_path / "key").chmod(0o600)
    assert read_key("DESK_KEY", link) == CANARY


def test_a_file_of_another_user_is_refused(tmp_path, monkeypatch):
    path = key_file(tmp_path / "key")
    if os.geteuid() == 0:
        os.chown(path, 12345, 12345)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    assert "belongs to another user" in refusal("DESK_KEY", path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty. Expected the key, on one line"),
        (" \n\n", "is empty. Expected the key, on one line"),
        (f"{CANARY}\n{CANARY}\n", "holds 2 lines. Expected the key, on one line"),
        (f"KEY = {CANARY}", "holds a blank or a character that no key has"),
        (f"{CANARY}é", "holds a blank or a character that no key has"),
        (f"{CANARY}\0x", "holds a blank or a character that no key has"),
        (b"\xff\xfe" + CANARY.encode("utf-16-le"), "holds a blank or a character that no key has"),
        (CANARY + "x" * MOST_BYTES, "holds more than 4,096 bytes"),
    ],
)
def test_a_file_that_holds_anything_but_one_key_is_refused(content, told, tmp_path):
    path = key_file(tmp_path / "key", content)
    message = refusal("DESK_KEY", path)
    assert message.startswith(f"{path}: {told}")
    assert message.endswith(f"Run: chmod 600 {path}")


def test_what_is_no_regular_file_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path / "pipe", tmp_path):
        assert f"{path}: is no regular file" in refusal("DESK_KEY", path)
    assert "nowhere: cannot be read" in refusal("DESK_KEY", tmp_path / "nowhere")


@pytest.mark.parametrize("held", [f"{CANARY}\n{CANARY}", f"Bearer {CANARY}", f"{CANARY}\x7f"])
def test_a_variable_that_holds_no_key_is_refused_before_a_header_would_repeat_it(held, monkeypatch):
    monkeypatch.setenv("DESK_KEY", held)
    assert refusal("DESK_KEY").startswith("environment variable DESK_KEY: holds ")


# Redacting


def written(key):
    """The key as servers and libraries may write it; each is another way to the same text."""
    return [
        key,
        quote(key, safe=""),
        quote(key),
        quote_plus(key),
        re.sub("%..", lambda code: code[0].lower(), quote(key, safe="")),
        json.dumps(key),
        json.dumps(key).replace("/", "\\/"),
        repr(key),
        repr(f"Bearer {key}".encode()),
        html.escape(key),
    ]


@given(KEYS, st.text(max_size=20))
def test_no_way_of_writing_a_key_leaves_it_in_the_text(key, around):
    for text in written(key):
        said = redact(f"{around}{text}{around}", key)
        assert "[key]" in said
        assert key not in said.replace("[key]", "\0")


@given(KEYS, st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=9))
def test_a_key_in_base64_is_found_wherever_it_stands_in_what_was_encoded(key, user):
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for text in (f"{user}:{key}", f"{key}:", key):
            said = redact(encode(text.encode()).decode(), key)
            assert "[key]" in said
            assert len(said.replace("[key]", "")) <= len(text) - len(key) + len(user) + 8


def test_a_text_without_the_key_stays_as_it_is():
    assert redact("HTTP 500: no", CANARY) == "HTTP 500: no"
    assert redact(f"HTTP 500: {CANARY}", None) == f"HTTP 500: {CANARY}"
    assert redact("the key is [key]", "") == "the key is [key]"


def test_percent_codes_are_found_in_either_case():
    key = "sk/canary+91c0=="
    assert redact("sk%2Fcanary%2B91c0%3D%3D and sk%2fcanary%2b91c0%3d%3d", key) == "[key] and [key]"


# Where a key goes


@pytest.mark.parametrize(
    "server",
    [
        "https://models.example/v1",
        "http://127.0.0.1:8000/v1",
        "http://[::1]:8000/v1",
        "http://localhost/v1",
        "http://127.8.8.8/v1",
    ],
)
def test_nothing_is_told_where_a_key_is_encrypted_or_stays_on_this_machine(server):
    assert refuse_or_warn(server, CANARY) is None


@pytest.mark.parametrize(
    ("server", "host"),
    [
        ("http://models.example/v1", "models.example"),
        ("http://10.0.0.7:8000/v1", "10.0.0.7"),
        ("http://[2001:db8::1]/v1", "2001:db8::1"),
        ("http://127.0.0.1.models.example/v1", "127.0.0.1.models.example"),
        ("http://localhost.models.example/v1", "localhost.models.example"),
    ],
)
def test_a_key_that_leaves_the_machine_unencrypted_is_told(server, host):
    told = refuse_or_warn(server, CANARY)
    assert told is not None
    assert told.startswith(f"the key goes to {host} unencrypted")
    assert CANARY not in told
    assert refuse_or_warn(server, None) is None


@pytest.mark.parametrize("user", [CANARY, f"desk:{CANARY}", f":{CANARY}"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_address_that_carries_a_key_is_refused_and_not_repeated(scheme, user):
    with pytest.raises(InputError, match=r"the server models\.example carries a user name or password") as caught:
        refuse_or_warn(f"{scheme}://{user}@models.example/v1", None)
    assert CANARY not in str(caught.value)


def test_a_password_with_a_slash_in_it_is_not_repeated_as_a_port():
    with pytest.raises(InputError, match="has a port that is no number") as caught:
        refuse_or_warn(f"http://desk:{CANARY}/more@models.example/v1", None)
    assert CANARY not in str(caught.value)


def test_an_address_that_is_none_is_refused():
    with pytest.raises(InputError, match="cannot be read"):
        refuse_or_warn("http://[::1", CANARY)
