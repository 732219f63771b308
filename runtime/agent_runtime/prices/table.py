"""The table of prices, read from a JSON file and checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

Dollars: TypeAlias = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
STAGES: Final = ("stt", "llm", "tts")
# Names by which plugins call a vendor, besides its own: clients of OpenAI's protocol give the host.
SAME_VENDOR: Final = {"api.openai.com": "openai", "gemini": "google", "google ai": "google"}
MOST_BYTES: Final = 1_000_000  # of a file: hundreds of times the one in the package


class Price(BaseModel):
    """What a model costs, in US dollars; a price that is left out is not charged.

    A model's price also holds for names that go on after a hyphen, as `gpt-4o-2024-08-06` does; the
    longest fitting name counts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str = Field(min_length=1, max_length=100)
    model: str = Field(max_length=200)
    per_minute: Dollars | None = None
    per_million_characters: Dollars | None = None
    per_million_input: Dollars | None = None
    per_million_cached: Dollars | None = None
    per_million_output: Dollars | None = None


class PriceFile(BaseModel):
    """The form of the file: a date, and the prices of each stage."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: str = Field(pattern=r"^\d{4}-\d{2}(-\d{2})?$")
    note: str = ""
    stt: list[Price] = Field(default_factory=list, max_length=1000)
    llm: list[Price] = Field(default_factory=list, max_length=1000)
    tts: list[Price] = Field(default_factory=list, max_length=1000)


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices by stage and vendor, and the date they are of."""

    as_of: str = ""
    prices: Mapping[str, Mapping[str, tuple[Price, ...]]] = field(default_factory=dict)

    def find(self, stage: str, provider: str, model: str) -> Price | None:
        """The price of a model, or None when the table has none."""
        vendor = provider.strip().lower()
        vendor = SAME_VENDOR.get(vendor, vendor)
        name = model.strip().lower()
        for price in self.prices.get(stage, {}).get(vendor, ()):
            if not price.model or name == price.model or name.startswith(f"{price.model}-"):
                return price
        return None


def read_prices(path: str) -> PriceTable:
    """The table in the file at `path`, or the package's own for "".

    Raises ValueError, which names file and field.
    """
    if not path:
        return _packaged()
    try:
        if Path(path).stat().st_size > MOST_BYTES:
            raise ValueError(f"{path}: has more than {MOST_BYTES} bytes")
        document = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}") from error
    try:
        return _table(document)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{path}: {place}: {first['msg']}") from error


@cache
def _packaged() -> PriceTable:
    return _table(json.loads((files(__package__) / "list.json").read_text("utf-8")))


def _table(document: Any) -> PriceTable:
    found = TypeAdapter(PriceFile).validate_python(document)
    prices: dict[str, dict[str, tuple[Price, ...]]] = {}
    for stage in STAGES:
        listed: list[Price] = getattr(found, stage)
        folded = [
            one.model_copy(
                update={
                    "provider": one.provider.strip().lower(),
                    "model": one.model.strip().lower(),
                }
            )
            for one in listed
        ]
        # The longest name first, so that `gpt-4o-mini` is not charged as `gpt-4o`.
        folded.sort(key=lambda one: -len(one.model))
        prices[stage] = {
            vendor: tuple(one for one in folded if one.provider == vendor)
            for vendor in {one.provider for one in folded}
        }
    return PriceTable(found.as_of, prices)
