"""Lists of what services get wrong, as files to read and extend; record again after a change."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from contract.errors import BrokenInput

_FOLDER: Final = Path(__file__).parent


@cache
def read(name: str) -> Any:
    """The list `name`.yaml. Raises BrokenInput when it cannot be read."""
    path = _FOLDER / f"{name}.yaml"
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise BrokenInput(f"{path} is not a list of the recorder: {error}") from error


def texts() -> dict[str, str]:
    """The texts of texts.yaml by name."""
    return {item["name"]: item["text"] * item.get("times", 1) for item in read("texts")}
