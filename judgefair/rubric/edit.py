"""How is a rubric's file edited as a person would: one text anew, the version raised, an entry in the changelog, all as a patch?"""

import re
from collections.abc import Iterator
from copy import deepcopy
from difflib import unified_diff
from math import inf
from typing import Any

import yaml

from judgefair.errors import InputError
from judgefair.rubric.rubric import Rubric
from judgefair.rubric.strict_yaml import KeyPath, dotted, read_value

_TEXT = "tag:yaml.org,2002:str"
_COMMENT_OF_BLOCK = re.compile(r"[|>][-+0-9]*([ \t]+#[^\r\n]*)")
_SECTION = re.compile(r"^## ", re.MULTILINE)


def replace_text(source: str, where: KeyPath, text: str) -> str:
    """The YAML source with another text at one place; comments, layout and every other byte stay as they are.

    Parameters
    ----------
    source : a whole file, as it stands on disk.
    where : the place, by keys and positions; it holds a text, a number or nothing.
    text : any text. It is written on one line: plain where every reader takes it for that text, else in double quotes.

    Raises
    ------
    InputError : there is no such place, it holds a list or a mapping, or the text cannot be written there without changing more.

    >>> print(replace_text("levels: {0: Nowhere, 1: To the shelf}  # of the desk", ("levels", 0), "Nowhere: none"))
    levels: {0: "Nowhere: none", 1: To the shelf}  # of the desk
    """
    data = read_value(source)
    node = _scalar_at(source, where)
    if node is None or not isinstance(data, dict):
        raise InputError(f"{dotted(where)} is no text that can be written anew. Edit the file by hand, then: judgefair check")
    start, end = node.start_mark.index, node.end_mark.index
    before, after = " " if start == end else "", ""
    if node.style in ("|", ">"):
        block = source[start:end].rstrip(" \t\r\n")
        end = start + len(block)
        comment = _COMMENT_OF_BLOCK.search(block.partition("\n")[0])
        after = comment[1] if comment else ""
    wanted = repr(_with(data, where, text))  # repr tells 1 from 1.0, and one order from another
    for written in _ways_to_write(text):
        edited = f"{source[:start]}{before}{written}{after}{source[end:]}"
        if repr(read_value(edited)) == wanted:
            return edited
    raise InputError(
        f"line {node.start_mark.line + 1}: {dotted(where)} cannot be written anew without changing more than that. Edit it by hand"
    )


def next_version(version: str, changelog: str) -> str:
    """The next version for a change of words: a higher last number, that the changelog has no entry of.

    >>> next_version("1.2.0", "## 1.2.1 (0123456789abcdef)")
    '1.2.2'
    """
    major, minor, patch = map(int, version.split("."))
    while True:
        patch += 1
        raised = f"{major}.{minor}.{patch}"
        if not re.search(rf"^## {re.escape(raised)}\b", changelog, re.MULTILINE):
            return raised


def with_entry(changelog: str, rubric: Rubric, heading: str, entry: str) -> str:
    """The changelog with an entry above all others; a new one where it is empty.

    Parameters
    ----------
    heading : as `lint.changelog_heading` writes it.
    entry : lines of Markdown.
    """
    opening = f"# Changes to {rubric.id}\n\nEach heading binds a version to the content it was checked with.\n\n"
    changelog = changelog or opening
    first = _SECTION.search(changelog)
    place = first.start() if first else len(changelog)
    above = changelog[:place] if first else changelog.rstrip("\r\n") + "\n\n"
    section = f"{heading}\n\n{entry.strip()}\n" + ("\n" if first else "")
    if "\r\n" in changelog:
        above, section = (text.replace("\r\n", "\n").replace("\n", "\r\n") for text in (above, section))
    return above + section + changelog[place:]


def patch_of(name: str, old: str, new: str) -> str:
    """A unified diff of one file, for `git apply` or `patch -p1`; empty where nothing changed, and a new file where `old` is empty.

    Parameters
    ----------
    name : path of the file, from the folder in which the patch is to be applied.

    >>> print(patch_of("desk/rubric.yaml", "version: 1.0.0\\n", "version: 1.0.1\\n"), end="")
    --- a/desk/rubric.yaml
    +++ b/desk/rubric.yaml
    @@ -1 +1 @@
    -version: 1.0.0
    +version: 1.0.1
    """
    end = "\t" if " " in name else ""  # where a name with spaces ends
    before = f"a/{name}{end}" if old else "/dev/null"
    lines = unified_diff(_lines(old), _lines(new), before, f"b/{name}{end}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _scalar_at(source: str, where: KeyPath) -> yaml.ScalarNode | None:
    try:
        node: yaml.Node | None = yaml.compose(source, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return None
    for part in where:
        node = _child(node, part)
    return node if isinstance(node, yaml.ScalarNode) else None


def _child(node: yaml.Node | None, part: str | int | float) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and 0 <= part < len(node.value):
        child: yaml.Node = node.value[part]
        return child
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if repr(_key(key)) == repr(part)), None)
    return None


def _key(node: yaml.Node) -> Any:
    """The key as a rubric is read: words such as yes are text."""
    return node.value if node.tag == _TEXT else read_value(str(node.value))


def _with(data: Any, where: KeyPath, text: str) -> Any:
    changed = deepcopy(data)
    inner = changed
    for part in where[:-1]:
        inner = inner[part]
    inner[where[-1]] = text
    return changed


def _ways_to_write(text: str) -> Iterator[str]:
    if yaml.safe_dump(text, allow_unicode=True, width=inf) == f"{text}\n...\n":
        yield text
    yield yaml.safe_dump(text, default_style='"', allow_unicode=True, width=inf).rstrip("\n")


def _lines(text: str) -> list[str]:
    """Lines with their ends, parted at line feeds alone, as patch does."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)
