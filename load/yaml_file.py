"""Reads a YAML file into a model; errors name the places in the file."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)


class FileError(ValueError):
    """A file is unusable; the message names it and each fault."""


def read_model(path: Path, kind: type[Model]) -> Model:
    """Read the file into a model of this kind. Raises FileError."""
    try:
        given = yaml.safe_load(path.read_text())
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FileError(f"{path} is not YAML: {error}") from error
    try:
        return kind.model_validate(given, context={"folder": path.parent})
    except ValidationError as error:
        faults = [f"  {_place(fault['loc'])}: {_words(fault)}" for fault in error.errors()]
        raise FileError("\n".join([f"{path}:", *faults])) from error


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "the file"


def _words(fault: object) -> str:
    assert isinstance(fault, dict)  # noqa: S101 - for the type checker
    if fault["type"] == "extra_forbidden":
        return "unknown key"
    return str(fault["msg"]).removeprefix("Value error, ")
