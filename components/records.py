"""Records that are files: JSON of a fixed shape that names its version, checked when it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from components.errors import UserError
from components.files import read_json, write_json

VERSION = "schema_version"


class Part(BaseModel):
    """A part of a record."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Record(Part):
    """A file of the project. `schema_version` changes with the shape, so that a file of another version is
    found out and never misread."""

    remedy: ClassVar[str] = "run `onetrunk run` to make it anew"
    """What to do about a file that cannot be read as this record."""
    unversioned: ClassVar[bool] = False
    """Had the file this shape before it named its version?"""
    schema_version: int = 1  # of the file's shape

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the record of a file.

        Raises:
            UserError: the file is missing, torn, of another version or of another shape.
        """
        return cls.of(read_json(path), path)

    @classmethod
    def of(cls, found: Any, path: Path) -> Self:
        """The record that `found`, the content of `path`, is.

        Raises:
            UserError: it is of another version or of another shape.
        """
        expected = cls.model_fields[VERSION].default
        version = found.get(VERSION) if isinstance(found, dict) else None
        if version != expected and not (version is None and cls.unversioned):
            what = "none" if version is None else repr(version)
            raise UserError(
                f"{path}: {VERSION}: found {what}, expected {expected}; it is of another version, "
                f"or was altered: {cls.remedy}"
            )
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"])) or "the whole"
            raise UserError(f"{path}: {key}: {first['msg']}; it was altered: {cls.remedy}") from None

    def write(self, path: Path) -> None:
        """Write it atomically."""
        write_json(path, self.model_dump(mode="json"))
