"""The types of an agent's fields: what JSON may hold for each, and what null and "" stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Final, get_args, get_origin
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from agent_runtime.agents.languages.codes import folded
from agent_runtime.providers.common.spec import Stage
from agent_runtime.providers.registry import provider
from agent_runtime.secrecy.shown import CONTROL_REFUSED, has_control

# `json_schema_extra` of a field that is checked and kept, while no code acts on it yet.
NO_EFFECT: Final[dict[str, Any]] = {"hasEffect": False}


class Section(BaseModel):
    """An object of the configuration. It keeps unknown keys in `model_extra`.

    Its keys are camelCase; base_url, baseURL and base-url mean baseUrl, so that no spelling of a key is
    silently without effect.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, extra="allow", strict=True, frozen=True, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _one_spelling(cls, given: Any) -> Any:
        return with_one_spelling(cls, given) if isinstance(given, Mapping) else given


class NameOrObject:
    """Lets a bare name stand for the object that has only this name; the JSON Schema says so, too."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "minLength": 1}, handler(core)]}


def null_is(default: Any) -> BeforeValidator:
    """Null takes this value."""
    return BeforeValidator(lambda value: default if value is None else value)


def provider_of(stage: Stage) -> BeforeValidator:
    """The name of a provider, in any letter case; null and "" take the stage's default."""
    return BeforeValidator(
        lambda name: provider(stage, name) if name is None or isinstance(name, str) else name
    )


def one_of(values: type[StrEnum]) -> BeforeValidator:
    """A value of the enumeration, in any letter case; null and "" are None. The error lists the values."""

    def read(value: object) -> object:
        if value is None or value == "":
            return None
        if isinstance(value, str) and value.strip().lower() in set(values):
            return values(value.strip().lower())
        raise ValueError(f"{value!r} is none of {', '.join(values)}")

    return BeforeValidator(read)


def known_timezone(name: str | None) -> str | None:
    """The name of an IANA time zone; null and "" are None."""
    if not name:
        return None
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise ValueError(f"{name!r} is no IANA time zone, such as Europe/Berlin") from error


def without_control(name: str | None) -> str | None:
    """A name as it is; ValueError for one that would act on a terminal, or turn the text around it."""
    if name is not None and has_control(name):
        raise ValueError(CONTROL_REFUSED)
    return name


def _without_fraction(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# In JSON, 10.0 is an integer, too.
WholeNumber = Annotated[int, BeforeValidator(_without_fraction)]
# A code or name of a language; becomes its BCP 47 code.
Language = Annotated[str, AfterValidator(folded)]
# "" is the same as null.
Text = Annotated[str | None, AfterValidator(lambda text: text or None)]


def has_effect(field: FieldInfo) -> bool:
    """Whether some code acts on the field."""
    return field.json_schema_extra is not NO_EFFECT


def by_key(section: type[Section]) -> dict[str, FieldInfo]:
    """The fields of a section by their JSON keys."""
    return {str(field.alias): field for field in section.model_fields.values()}


def key_in(section: type[Section], key: str) -> str:
    """The field's key that this is a spelling of; the key itself when it is none."""
    return _spellings(section).get(_folded(key), key)


def with_one_spelling(section: type[Section], given: Mapping[str, Any]) -> dict[str, Any]:
    """The object with the keys of its fields in their own spelling.

    Raises ValueError when two spellings of a key have different values; null counts as not given.
    """
    found: dict[str, Any] = {}
    given_as: dict[str, str] = {}
    for name, value in given.items():
        key = key_in(section, name)
        if found.get(key) is None:
            found[key], given_as[key] = value, name
        elif value is not None and value != found[key]:
            raise ValueError(
                f"{given_as[key]} and {name} are the same key and differ; leave one of them out"
            )
    return found


@cache
def _spellings(section: type[Section]) -> dict[str, str]:
    return {_folded(key): key for key in by_key(section)}


def _folded(key: str) -> str:
    return key.replace("_", "").replace("-", "").lower()


def types_of(annotation: Any) -> Iterator[Any]:
    """The plain types in an annotation: bool and NoneType of `bool | None`, list and X of `list[X]`."""
    plain = get_origin(annotation) or annotation
    if isinstance(plain, type):
        yield plain
    for inner in get_args(annotation):
        yield from types_of(inner)


def section_of(field: FieldInfo) -> type[Section] | None:
    """The section that the field holds, one or a list of them; None when it holds none."""
    found = (kind for kind in types_of(field.annotation) if issubclass(kind, Section))
    return next(found, None)
