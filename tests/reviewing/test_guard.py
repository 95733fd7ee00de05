"""Does the page answer to the reader's own browser alone?"""

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from judgefair.errors import InputError
from judgefair.reviewing import review_app
from judgefair.reviewing.guard import HEADERS, LARGEST_FORM, Keys
from tests.reviewing.conftest import PORT, Client

ADDRESSES = ("/", "/item?id=x", "/arms?id=x", "/rate", "/rate/item", "/review.css", "/nothing", "/?key=wrong")


def stranger(run: Path, host: str = f"127.0.0.1:{PORT}") -> tuple[TestClient, Keys]:
    keys = Keys(PORT)
    return TestClient(review_app(run, keys), base_url=f"http://{host}", follow_redirects=False), keys


@pytest.mark.parametrize("address", ADDRESSES)
def test_nothing_is_told_without_the_key(address: str, examined: Path) -> None:
    asked, keys = stranger(examined)
    for headers in ({}, {"cookie": f"judgefair-review-{PORT}=wrong"}, {"cookie": f"other={keys.key}"}):
        answer = asked.get(address, headers=headers)
        assert answer.status_code == 403
        assert "depth" not in answer.text
        assert "set-cookie" not in answer.headers


def test_the_key_is_changed_once_for_a_cookie_that_no_script_and_no_other_site_can_use(examined: Path) -> None:
    asked, keys = stranger(examined)
    answer = asked.get(f"/?key={keys.key}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Strict")
    assert keys.key not in cookie
    assert asked.get("/").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", f"127.0.0.1:{PORT + 1}", f"[::1]:{PORT}"])
def test_another_name_for_this_computer_is_refused_even_with_key_and_cookie(host: str, examined: Path) -> None:
    asked, keys = stranger(examined)
    answer = asked.get(f"/?key={keys.key}", headers={"host": host, "cookie": keys.cookie.partition(";")[0]})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_localhost_is_a_name_of_this_computer(examined: Path) -> None:
    asked, keys = stranger(examined, f"localhost:{PORT}")
    assert asked.get(f"/?key={keys.key}").status_code == 303


def test_every_answer_carries_the_strict_headers(examined: Path, client: Client) -> None:
    let_in, (asked, _) = client(examined), stranger(examined)
    for who in (let_in, asked):
        for address in ADDRESSES:
            headers = who.get(address).headers
            assert {name: headers[name] for name in HEADERS} == HEADERS
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; form-action 'self'; img-src 'self' data:")
    assert "script" not in policy


@pytest.mark.parametrize("address", ["/rate", "/rate/item", "/rate/close"])
def test_a_form_of_another_page_is_refused(address: str, run: Path, client: Client) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in run.rglob("*")}
    for token in ({}, {"token": "wrong"}, {"token": ""}):
        answer = client(run).post(address, data={"rater": "mallory", "n": "10", "number": "1", **token})
        assert answer.status_code == 403
        assert "not sent from a page of this server" in answer.text
    assert {path.name: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_a_huge_form_is_refused(run: Path, client: Client) -> None:
    assert client(run).post("/rate", content=b"a" * (LARGEST_FORM + 1)).status_code == 413
    assert client(run).post("/rate", content=iter([b"a"])).status_code == 413


def test_no_page_has_a_script_or_asks_another_server(run: Path, client: Client) -> None:
    asked = client(run)
    for address in ("/", "/rate", "/item?id=r-b0000-neutral-0", "/arms?id=r-b0000-neutral-0", "/nothing"):
        page = asked.get(address).text
        assert "<script" not in page
        assert re.findall(r'(?:src|href|action)="([a-z]+:[^"]*)"', page) == ["data:,"]
    assert "url(" not in asked.get("/review.css").text


def test_a_folder_that_is_no_run_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has neither program\.json nor validation\.json"):
        review_app(tmp_path, Keys(PORT))
