"""Does a download ask nothing but https, keep no more than it may, and leave nothing partial?"""

import hashlib
import ssl
from collections.abc import Callable

import httpx
import pytest

from judgefair import folders
from judgefair.calibration import fetch
from judgefair.calibration.card import UpstreamFile
from judgefair.calibration.fetch import MAX_REDIRECTS, fetch_set, is_fetched
from judgefair.errors import InputError
from tests.calibration.test_sets import CONTENT, card_with

Answer = Callable[[httpx.Request], httpx.Response]
HOST = "https://example.org/data/"


@pytest.fixture
def server(monkeypatch):
    """What a made-up network answers; every address that was asked is noted."""
    asked: list[str] = []

    def serve(answer: Answer) -> list[str]:
        def noted(request: httpx.Request) -> httpx.Response:
            asked.append(str(request.url))
            return answer(request)

        make = fetch._client

        def client() -> httpx.Client:
            made = make()
            return httpx.Client(
                transport=httpx.MockTransport(noted),
                follow_redirects=made.follow_redirects,
                timeout=made.timeout,
                headers=made.headers,
            )

        monkeypatch.setattr(fetch, "_client", client)
        return asked

    return serve


def files(request: httpx.Request) -> httpx.Response:
    name = httpx.URL(request.url).path.rpartition("/")[2]
    return httpx.Response(200, content=CONTENT[name]) if name in CONTENT else httpx.Response(404)


def nothing_is_left():
    sets = folders.cache() / "sets"
    return not sets.exists() or list(sets.rglob("*")) == []


def refusal():
    with pytest.raises(InputError) as caught:
        fetch_set(card_with())
    assert nothing_is_left()
    assert not is_fetched(card_with())
    return str(caught.value)


def test_files_are_downloaded_and_kept_as_they_are(server):
    asked = server(files)
    folder = fetch_set(card_with())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENT
    assert asked == [file.url for file in card_with().source.files]
    assert [path.name for path in folder.parent.iterdir()] == ["made_up"]


def test_a_redirect_to_https_is_followed(server):
    def moved(request: httpx.Request) -> httpx.Response:
        if request.url.host == "example.org":
            return httpx.Response(302, headers={"location": f"https://mirror.example{request.url.path}"})
        return files(request)

    asked = server(moved)
    fetch_set(card_with())
    assert asked[:2] == [f"{HOST}votes.csv?raw=1", "https://mirror.example/data/votes.csv"]


@pytest.mark.parametrize(
    "location", ["http://example.org/votes.csv", "ftp://example.org/votes.csv", "file:///etc/passwd", "http:votes.csv"]
)
def test_a_redirect_to_anything_but_https_is_refused_before_it_is_asked(location, server):
    asked = server(lambda _: httpx.Response(302, headers={"location": location}))
    told = refusal()
    assert told.startswith(f"{HOST}votes.csv?raw=1: ")
    assert "Nothing was kept" in told or "could not be downloaded" in told
    assert asked == [f"{HOST}votes.csv?raw=1"]


def test_a_redirect_back_from_https_by_way_of_http_is_refused_at_that_hop(server):
    hops = iter(["https://a.example/", "http://b.example/", "https://c.example/"])
    asked = server(lambda _: httpx.Response(302, headers={"location": next(hops)}))
    assert "redirects to http://b.example/, which is not https and was not asked. Nothing was kept" in refusal()
    assert asked == [f"{HOST}votes.csv?raw=1", "https://a.example/"]


def test_a_redirect_without_end_is_left_after_a_few(server):
    asked = server(lambda _: httpx.Response(302, headers={"location": "https://example.org/again"}))
    assert f"redirects more than {MAX_REDIRECTS} times" in refusal()
    assert len(asked) == MAX_REDIRECTS + 1


@pytest.mark.parametrize("told_in_advance", [True, False])
def test_a_file_without_end_is_left_at_the_bound(told_in_advance, server, monkeypatch):
    monkeypatch.setattr(fetch, "MAX_BYTES", 1_000)
    sent = []

    def endless():
        while True:
            sent.append(100)
            yield b"x" * 100

    headers = {"content-length": "1000000"} if told_in_advance else {}
    server(lambda _: httpx.Response(200, content=endless(), headers=headers))
    assert "votes.csv?raw=1: more than 1,000 bytes. Nothing was kept" in refusal()
    assert sum(sent) <= 1_200


def test_nothing_is_asked_for_in_a_form_that_grows(server):
    encodings = []

    def note(request: httpx.Request) -> httpx.Response:
        encodings.append(request.headers["accept-encoding"])
        return files(request)

    server(note)
    fetch_set(card_with())
    assert set(encodings) == {"identity"}


def test_another_file_than_the_recipe_was_written_for_is_not_kept(server):
    server(lambda _: httpx.Response(200, content=b"something else"))
    found = hashlib.sha256(b"something else").hexdigest()
    assert refusal().startswith(f"votes.csv: sha256 is {found}. Expected ")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda _: httpx.Response(404), "HTTPStatusError"),
        (lambda _: httpx.Response(302), "HTTPStatusError"),
        (lambda _: httpx.Response(302, headers={"location": "https://[::"}), "RemoteProtocolError"),
    ],
)
def test_a_download_that_fails_says_how_to_go_on(answer, told, server):
    server(answer)
    message = refusal()
    assert f"could not be downloaded ({told}" in message
    assert message.endswith("or get the file another way and run the command again with --from FOLDER")


def test_a_connection_that_breaks_off_leaves_nothing(server):
    def broken():
        yield CONTENT["votes.csv"][:5]
        raise httpx.ReadError("connection reset")

    server(lambda _: httpx.Response(200, content=broken()))
    assert "could not be downloaded (ReadError: connection reset)" in refusal()


def test_the_client_checks_certificates_and_follows_nothing_by_itself():
    with fetch._client() as client:
        context = client._transport._pool._ssl_context
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.check_hostname
        assert not client.follow_redirects


# What a card may name


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/votes.csv",
        "file:///etc/passwd",
        "https:///votes.csv",
        "https://example.org/",
        "https://example.org",
        "https://example.org/data/..",
        "https://example.org/data/%2e%2e",
        "https://example.org/a%2F..",
        "https://example.org/..%5Cvotes.csv",
        "https://example.org/votes%00.csv",
        "https://example.org/C:votes.csv",
        "https://user:secret@example.org/votes.csv",
        "https://[::1/votes.csv",
    ],
)
def test_an_address_that_names_no_file_over_https_is_refused_before_anything_is_asked(url):
    with pytest.raises(ValueError, match=r"https|IPv6"):
        UpstreamFile.model_validate({"url": url, "sha256": "0" * 64})


@pytest.mark.parametrize("name", ["votes[1].csv", "votes v2.csv", "..votes", "-r"])
def test_a_name_is_no_pattern(name, tmp_path):
    url = f"https://example.org/{name.replace(' ', '%20')}"
    content = b"item,vote\n"
    card = card_with(source={"kind": "recipe", "files": [{"url": url, "sha256": hashlib.sha256(content).hexdigest()}]})
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / name).write_bytes(content)
    (tmp_path / "votes1.csv").write_bytes(b"another")
    assert [path.name for path in fetch_set(card, tmp_path).iterdir()] == [name]
