"""What params.yaml says of a remote: where rows are that are not files of this machine."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, model_validator

from components.errors import UserError
from components.settings.secrets import PLACEHOLDER, SECRET_NAME
from components.settings.section import Given, Section


class Url(Section):
    """A file, a folder or a pattern at any address that fsspec knows: s3://, gs://, https://, ..."""

    kind: Literal["url"]  # which kind of remote this is
    address: str  # may hold ${NAME}, a variable of the environment, as may the options
    options: Given = {}  # fsspec's storage options, e.g. {endpoint_url: ..., anon: true}


class Sql(Section):
    """The rows of a query, through SQLAlchemy."""

    kind: Literal["sql"]  # which kind of remote this is
    address: str  # e.g. postgresql://${DB_USER}:${DB_PASSWORD}@host/database
    query: str  # its rows are the remote's


class HuggingFace(Section):
    """A data set or a model of the Hugging Face hub; its scripts are never run, its pickles never fetched."""

    kind: Literal["huggingface"]  # which kind of remote this is
    dataset: str | None = None  # e.g. "stanfordnlp/imdb"; either this
    model: str | None = None  # or an encoder, e.g. "answerdotai/ModernBERT-base"
    revision: str = "main"  # branch, tag or commit; refs/convert/parquet is what the hub has converted itself
    # patterns of the files to fetch; of a model they are known
    files: Annotated[list[str], Field(min_length=1)] = ["*.parquet"]

    @model_validator(mode="after")
    def _one_of_them(self) -> HuggingFace:
        if (self.dataset is None) == (self.model is None):
            raise ValueError("found both or neither of `dataset` and `model`, expected one")
        if self.model is not None and self.files != ["*.parquet"]:
            raise ValueError("`files` are a data set's; of a model what an encoder needs is fetched")
        return self

    @property
    def repository(self) -> str:
        """Its name on the hub."""
        return self.dataset or self.model or ""


class Dvc(Section):
    """A file or folder that DVC or git tracks in another repository."""

    kind: Literal["dvc"]  # which kind of remote this is
    repository: str  # an address of git, or a local path; git's own helpers know the credentials
    path: str  # of the file or folder in that repository
    revision: str | None = None  # a branch, a tag or a commit; without it, the newest


Remote = Annotated[Url | Sql | HuggingFace | Dvc, Field(discriminator="kind")]
KINDS: dict[str, type[Section]] = {"url": Url, "sql": Sql, "huggingface": HuggingFace, "dvc": Dvc}


def check_no_credential(where: str, remote: Section) -> None:
    """Params.yaml is committed, and dvc.lock repeats it.

    Raises:
        UserError: the remote holds a credential rather than the name of a variable; it is not shown.
    """
    for key, value in remote.model_dump().items():
        for name in _credentials(key, value):
            raise UserError(
                f"{where}.{name}: a credential stands here; write ${{NAME}} and set NAME in the environment"
                if not isinstance(remote, Dvc)
                else f"{where}.{name}: a credential stands here; git's credential helper or SSH must know it"
            )


def _credentials(key: str, value: Any) -> list[str]:
    """The keys, from `key` down, whose values are credentials."""
    if isinstance(value, dict):
        return [f"{key}.{found}" for name, inner in value.items() for found in _credentials(name, inner)]
    if not isinstance(value, str):
        return []
    secret = bool(SECRET_NAME.search(key)) and not PLACEHOLDER.search(value)
    return [key] if secret or _in_address(value) else []


def _in_address(address: str) -> bool:
    if "://" not in address:
        return False
    parts = urlsplit(address)
    _, _, password = parts.netloc.rpartition("@")[0].partition(":")
    secret = [
        value for name, value in parse_qsl(parts.query) if SECRET_NAME.search(name.removeprefix("X-Amz-"))
    ]
    return any(value and not PLACEHOLDER.fullmatch(value) for value in (password, *secret))
