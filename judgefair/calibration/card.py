"""Where does a calibration set come from, who labelled it, and what must one know before using it?"""

from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlparse

from pydantic import Field, field_validator

from judgefair.rubric.context import Strict
from judgefair.rubric.criterion import ScaleField
from judgefair.rubric.strict_yaml import read_yaml, validate


class RatedCriterion(Strict):
    """One criterion the set has ratings on."""

    model_config = Strict.model_config | {"arbitrary_types_allowed": True}

    scale: ScaleField = Field(description="kind and levels")
    polarity: str = Field(description="which way the levels run, in words")


class UpstreamFile(Strict):
    """A file of the original publication, pinned by its hash; without one where nobody of the project has had it in hand."""

    url: str = Field(pattern=r"^https://", description="an https address")
    sha256: str | None = Field(
        None, pattern=r"^[0-9a-f]{64}$", description="the file's sha256, 64 hex digits; left out where it is not known"
    )

    @field_validator("url")
    @classmethod
    def _names_a_file(cls, url: str) -> str:
        parts, name = urlparse(url), _last_part(url)
        if not parts.hostname or "@" in parts.netloc:
            raise ValueError("names no host, or carries a user name. Expected https://HOST/.../FILE")
        if name in {"", ".", ".."} or not name.isprintable() or any(letter in name for letter in '\\:*?"<>|'):
            raise ValueError(f"its last part is '{name}', which no file can be called. Expected https://HOST/.../FILE")
        return url

    @property
    def name(self) -> str:
        """The file's own name: the last part of its address, which is never a path."""
        return _last_part(self.url)


class Source(Strict):
    """Where the data are: in the set's own folder, or to be fetched by a recipe of the set's id."""

    kind: Literal["recipe", "files"] = Field(description="recipe or files")
    hub: str | None = Field(None, description="the set's home, as a person would look it up")
    files: list[UpstreamFile] = Field(default_factory=list, description="a list of {url, sha256}")


class Card(Strict):
    """The `card.yaml` of a calibration set."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="a short name in lower case, such as dices_350")
    title: str = Field(description="the set's name")
    citation: str = Field(description="how to cite it")
    licence: str = Field(description="the licence of the data")
    homepage: str = Field(description="where it was published, or 'none'")
    labels: Literal["human", "constructed", "model"] = Field(description="human, constructed or model: who gave the labels")
    rater_pool: str = Field(description="who rated, where, when, how paid; or unknown")
    criteria: dict[str, RatedCriterion] = Field(min_length=1, description="a mapping of criterion to scale and polarity")
    source: Source = Field(description="kind, and for a recipe its files")
    known_issues: list[str] = Field(description="a list of what a user must know; [] if nothing is known")


def read_card(path: Path) -> Card:
    """Read a `card.yaml`; InputError tells every problem with its line."""
    return validate(read_yaml(path), Card)


def _last_part(url: str) -> str:
    return unquote(urlparse(url).path).rpartition("/")[2]
