"""What the gate takes from openapi.yaml: operations, documented statuses, typed places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import unquote

import yaml
from jsonschema import Draft202012Validator

from contract.errors import BrokenInput

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# Stands for an encoded slash, which is data of its segment, while a path is decoded: a private character.
_SLASH: Final = "\uf8ff"
PlaceType = Literal["moment", "new-id"]


@dataclass(frozen=True, slots=True)
class Match:
    """The operation of a request.

    `name` is method and path template; `known`: it is documented. `allow` has the methods of the path
    (with HEAD beside GET); it is empty when the path is unknown.
    """

    name: str
    path: Mapping[str, str]
    known: bool
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """A documented (operation, status); only the `faults`, if there are any, bring it about."""

    operation: str
    status: int
    faults: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.operation} {self.status}"


def own_paths(path: Path) -> list[str]:
    """Path templates of the document that the old service does not have (`x-own`)."""
    paths = yaml.safe_load(path.read_text("utf-8"))["paths"]
    return [template for template, item in paths.items() if item.get("x-own")]


@dataclass(frozen=True)
class Specification:
    """A valid openapi.yaml. `id_schema` names the component for a generated id."""

    document: Mapping[str, Any]
    id_schema: str = ""
    _validators: dict[str, Draft202012Validator] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path, id_schema: str = "") -> Specification:
        """Read a file. Raises BrokenInput when it is missing, no YAML or without operations."""
        try:
            document = yaml.safe_load(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise BrokenInput(f"{path} cannot be read as YAML: {error}") from error
        if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3."):
            raise BrokenInput(f"{path} is not an OpenAPI 3 document: `openapi: 3.x` is missing")
        found = cls(document, id_schema)
        try:
            if not found.operations:
                raise BrokenInput(f"{path} describes no operation: `paths` is empty")
            _ = (found.pairs, found.typed_places, found.date_parameters)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise BrokenInput(
                f"{path} is not a valid OpenAPI document: {type(error).__name__} {error}"
            ) from error
        return found

    @cached_property
    def operations(self) -> Mapping[str, Mapping[str, Any]]:
        """Operation objects by name, `GET /parcels/{code}`, in the document's order."""
        return {
            f"{method.upper()} {template}": operation
            for template, item in self._paths.items()
            for method, operation in item.items()
            if method in METHODS
        }

    @cached_property
    def _paths(self) -> Mapping[str, Mapping[str, Any]]:
        """The paths of both services; `x-own` marks what only the new one has."""
        paths: Mapping[str, Mapping[str, Any]] = self.document["paths"]
        return {template: item for template, item in paths.items() if not item.get("x-own")}

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Every documented (operation, status) of both services; `x-own` marks one of the new one only."""
        found = []
        for name, operation in self.operations.items():
            for status, response in operation["responses"].items():
                resolved = self._resolve(response)
                faults = resolved.get("x-reached-by", ())
                if not resolved.get("x-own"):
                    found.append(Pair(name, int(status), tuple(faults)))
        return tuple(found)

    @cached_property
    def without_body(self) -> frozenset[tuple[str, int]]:
        """Documented (operation, status) pairs that have no body."""
        return frozenset(
            (name, int(status))
            for name, operation in self.operations.items()
            for status, response in operation["responses"].items()
            if not self._resolve(response).get("content")
        )

    @cached_property
    def typed_places(self) -> Mapping[tuple[str, int], Mapping[str, PlaceType]]:
        """JSON pointers of times and new ids in answers, by operation and status."""
        found: dict[tuple[str, int], Mapping[str, PlaceType]] = {}
        for name, operation in self.operations.items():
            for status, response in operation["responses"].items():
                content = self._resolve(response).get("content", {}).get("application/json", {})
                found[name, int(status)] = dict(self._places(content.get("schema", {}), ""))
        return found

    @cached_property
    def date_parameters(self) -> tuple[str, ...]:
        """Names of the query parameters that are dates, in the order of the document."""
        found: dict[str, None] = {}
        for item in self._paths.values():
            lists = [item, *(item[method] for method in METHODS if method in item)]
            for raw in (raw for node in lists for raw in node.get("parameters", ())):
                parameter = self._resolve(raw)
                if parameter["in"] == "query" and self._is_date(parameter.get("schema", {})):
                    found[parameter["name"]] = None
        return tuple(found)

    def dates_of(self, operation: str) -> tuple[str, ...]:
        """The date parameters that an operation takes, its path's among them."""
        template = operation.partition(" ")[2]
        item = self._paths.get(template, {})
        lists = [item, self.operations.get(operation, {})]
        raws = [raw for node in lists for raw in node.get("parameters", ())]
        taken = {self._resolve(raw)["name"] for raw in raws}
        return tuple(name for name in self.date_parameters if name in taken)

    def new_id_pointer(self, operation: str, status: int) -> str | None:
        """The JSON pointer of the generated id in an answer, None when it hands out none."""
        places = self.typed_places.get((operation, status), {})
        return next((at for at, kind in places.items() if kind == "new-id"), None)

    def body_schema(self, operation: str) -> Mapping[str, Any]:
        """The schema of the operation's JSON body; empty when it takes none."""
        body = self._resolve(self.operations.get(operation, {}).get("requestBody", {}))
        content = body.get("content", {}).get("application/json", {})
        return self._resolve(content.get("schema", {}))

    def resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """A schema with its reference followed."""
        return self._resolve(schema)

    def required_keys(self, operation: str) -> frozenset[str]:
        """The keys that a JSON body of the operation must have; none when it takes no body."""
        return frozenset(self.body_schema(operation).get("required", ()))

    def match(self, method: str, path: str) -> Match:
        """The operation of a request; a single trailing slash does not count.

        Percent-encoding is decoded first (RFC 3986, section 2.3), except for slashes.
        """
        path = unquote(re.sub("%2f", _SLASH, path, flags=re.IGNORECASE))
        plain = path[:-1] if path.endswith("/") and path != "/" else path
        for template, pattern in self._patterns:
            hit = pattern.fullmatch(plain)
            if hit is not None:
                name = f"{method} {template}"
                values = {key: text.replace(_SLASH, "/") for key, text in hit.groupdict().items()}
                return Match(name, values, name in self.operations, self._allow(template))
        return Match(f"{method} (unknown path)", {}, known=False)

    def is_valid(self, schema: str, value: Any) -> bool:
        """Whether a value is valid by a schema of the components."""
        return bool(self._validator(schema).is_valid(value))

    def _validator(self, schema: str) -> Draft202012Validator:
        if schema not in self._validators:
            components = self.document["components"]
            whole = {"$ref": f"#/components/schemas/{schema}", "components": components}
            self._validators[schema] = Draft202012Validator(whole)
        return self._validators[schema]

    def _allow(self, template: str) -> tuple[str, ...]:
        methods = {method.upper() for method in self._paths[template] if method in METHODS}
        return tuple(sorted(methods | {"HEAD"} if "GET" in methods else methods))

    @cached_property
    def _patterns(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        """Templates as patterns; literal ones first, as routers prefer them."""
        templates = sorted(self._paths, key=lambda text: text.count("{"))
        return tuple(
            (text, re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(text))))
            for text in templates
        )

    def _resolve(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in node:
            found: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            node = {**found, **{key: value for key, value in node.items() if key != "$ref"}}
        return node

    def _is_date(self, schema: Mapping[str, Any]) -> bool:
        resolved = self._resolve(schema)
        forms = {resolved.get("format"), *(s.get("format") for s in resolved.get("anyOf", ()))}
        return not forms.isdisjoint({"date", "date-time"})

    def _places(self, schema: Mapping[str, Any], at: str) -> Iterator[tuple[str, PlaceType]]:
        if self.id_schema and schema.get("$ref", "").endswith(f"/{self.id_schema}"):
            yield at, "new-id"
        resolved = self._resolve(schema)
        if resolved.get("format") == "date-time":
            yield at, "moment"
        for key, inner in resolved.get("properties", {}).items():
            yield from self._places(inner, f"{at}/{key}")
