"""Is a member of an archive read by its name alone, and never further than it may be long?"""

import struct
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from judgefair.archives import read_member
from judgefair.errors import InputError


def archive(path, **members):
    with ZipFile(path, "w", ZIP_DEFLATED) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return path


def refusal(path, member="votes", most_bytes=1_000_000):
    with pytest.raises(InputError) as caught:
        list(read_member(path, member, most_bytes=most_bytes))
    return str(caught.value)


def test_a_member_is_read_whole_up_to_the_bound(tmp_path):
    path = archive(tmp_path / "a.zip", votes=b"x" * 3_000_000)
    assert b"".join(read_member(path, "votes", most_bytes=3_000_000)) == b"x" * 3_000_000
    assert refusal(path, most_bytes=2_999_999) == (
        f"{path}: votes holds more than 2,999,999 bytes once unpacked, the most that is read. It is not used"
    )


def test_a_bomb_is_refused_by_what_it_says_of_itself(tmp_path):
    path = archive(tmp_path / "bomb.zip", votes=b"\0" * 50_000_000)
    assert path.stat().st_size < 100_000
    read = read_member(path, "votes", most_bytes=1_000_000)
    with pytest.raises(InputError, match="more than 1,000,000 bytes once unpacked"):
        next(read)


def test_a_bomb_that_lies_about_its_size_gives_no_more_than_it_says(tmp_path):
    path = archive(tmp_path / "liar.zip", votes=b"\0" * 50_000_000)
    size = struct.pack("<I", 50_000_000)
    assert path.read_bytes().count(size) == 2  # in the member's header and in the directory
    path.write_bytes(path.read_bytes().replace(size, struct.pack("<I", 10)))
    assert "votes cannot be read from it (BadZipFile: " in refusal(path)


def test_what_is_no_archive_or_has_no_such_member_is_refused(tmp_path):
    (tmp_path / "page.zip").write_text("<html>Not found</html>")
    assert "page.zip: votes cannot be read from it (BadZipFile: " in refusal(tmp_path / "page.zip")
    assert "votes cannot be read from it (KeyError: " in refusal(archive(tmp_path / "a.zip", texts="x"))
    assert "nowhere.zip: votes cannot be read from it" in refusal(tmp_path / "nowhere.zip")


def test_a_damaged_member_is_refused(tmp_path):
    path = archive(tmp_path / "a.zip", votes=bytes(range(256)) * 100)
    content = bytearray(path.read_bytes())
    content[60:70] = b"\xff" * 10
    path.write_bytes(content)
    assert "votes cannot be read from it" in refusal(path)


def test_nothing_is_written_wherever_the_members_would_go(tmp_path):
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    path = archive(folder / "a.zip", **{"../../evil": "x", "/tmp/evil": "x", "votes": "1"})
    assert list(read_member(path, "votes", most_bytes=10)) == [b"1"]
    assert list(read_member(path, "../../evil", most_bytes=10)) == [b"x"]
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]
