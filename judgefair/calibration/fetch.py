"""Bring the upstream files of a set to this machine, each checked by its hash."""

import glob
import shutil
import tempfile
from pathlib import Path

import httpx

from judgefair import folders
from judgefair.calibration.card import Card, UpstreamFile
from judgefair.errors import InputError
from judgefair.fingerprint import file_sha256

MAX_BYTES = 500_000_000
MAX_REDIRECTS = 5


def fetch_set(card: Card, source: Path | None = None) -> Path:
    """Fetch a recipe's files into the cache, from the network or from a local folder; all of them or none.

    A file whose hash the card does not know is not downloaded: it is taken from a folder only, where its user put it.

    Files stay as they were published (an archive that its authors keep closed stays closed) and are read anew whenever
    the set is loaded.

    Parameters
    ----------
    source : a folder that holds the files, by name, at any depth; None downloads them.

    Raises
    ------
    InputError : a file is not found, cannot be downloaded, or has another hash than the card says; the card knows no hash and
        no folder is given, or the folder holds several files of that name.
    """
    if card.source.kind != "recipe":
        raise InputError(f"{card.id} ships with its files; there is nothing to fetch")
    if source is None and (unpinned := [file.url for file in card.source.files if file.sha256 is None]):
        raise InputError(
            f"{card.id}: the card knows no sha256 of {', '.join(unpinned)}, and what cannot be checked is not downloaded. "
            f"Get it yourself and run: judgefair sets fetch {card.id} --from FOLDER"
        )
    target = set_folder(card)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        for file in card.source.files:
            copy = Path(folder) / file.name
            if source is None:
                _download(file, copy)
            else:
                shutil.copyfile(_find(file, source), copy)
            _check(file, copy)
        target.mkdir(exist_ok=True)
        for file in card.source.files:
            (Path(folder) / file.name).replace(target / file.name)
    return target


def fetched_files(card: Card) -> dict[str, Path]:
    """The set's files in the cache by name; InputError has the command where they were not fetched."""
    paths = {file.name: set_folder(card) / file.name for file in card.source.files}
    if not is_fetched(card):
        raise InputError(
            f"{card.id} is not on this machine. Run: judgefair sets fetch {card.id}   (or, with the files in a folder: --from FOLDER)"
        )
    return paths


def is_fetched(card: Card) -> bool:
    """Whether every file is in the cache."""
    return all((set_folder(card) / file.name).is_file() for file in card.source.files)


def set_folder(card: Card) -> Path:
    """The set's folder in the user's cache."""
    return folders.cache() / "sets" / folders.safe_name(card.id)


def _find(file: UpstreamFile, source: Path) -> Path:
    if not source.is_dir():
        raise InputError(f"{source}: no such folder. Expected the folder that holds {file.name}")
    found = sorted(source.rglob(glob.escape(file.name)))
    if not found:
        raise InputError(f"{source}: {file.name} is not in it, at any depth. Get it from {file.url}")
    if file.sha256 is None and len(found) > 1:
        raise InputError(
            f"{source}: holds {len(found)} files called {file.name}, and the card knows no sha256 to tell them apart. "
            f"Give the folder of the one from {file.url}"
        )
    return next((path for path in found if file_sha256(path) == file.sha256), found[0])


def _client() -> httpx.Client:
    # As it was published, byte for byte: nothing that a server compresses grows here.
    return httpx.Client(follow_redirects=False, timeout=60, headers={"Accept-Encoding": "identity"})


def _download(file: UpstreamFile, target: Path) -> None:
    """Follow redirects one by one, so that no address is asked that is not https."""
    address = file.url
    try:
        with _client() as client:
            for _ in range(MAX_REDIRECTS + 1):
                with client.stream("GET", address) as response:
                    if response.next_request is None:
                        response.raise_for_status()
                        _keep(response, file, target)
                        return
                    address = str(response.next_request.url)
                if response.next_request.url.scheme != "https":
                    raise InputError(
                        f"{file.url}: redirects to {address}, which is not https and was not asked. Nothing was kept. "
                        "Get the file another way and run the command again with --from FOLDER"
                    )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise InputError(
            f"{file.url}: could not be downloaded ({type(error).__name__}: {error}). "
            "Check the network, or get the file another way and run the command again with --from FOLDER"
        ) from None
    raise InputError(
        f"{file.url}: redirects more than {MAX_REDIRECTS} times, last to {address}. Nothing was kept. "
        "Get the file another way and run the command again with --from FOLDER"
    )


def _keep(response: httpx.Response, file: UpstreamFile, target: Path) -> None:
    size = 0
    with target.open("wb") as out:
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > MAX_BYTES:
                raise InputError(f"{file.url}: more than {MAX_BYTES:,} bytes. Nothing was kept")
            out.write(chunk)


def _check(file: UpstreamFile, path: Path) -> None:
    found = file_sha256(path)
    if file.sha256 is not None and found != file.sha256:
        raise InputError(
            f"{file.name}: sha256 is {found}. Expected {file.sha256}: not the file the recipe was written for. Nothing was kept"
        )
