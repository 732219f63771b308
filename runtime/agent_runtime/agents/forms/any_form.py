"""Reads a configuration in whichever form it comes, from a text or from a value that JSON gave."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic.alias_generators import to_camel, to_snake

from agent_runtime.agents.checks.effects import NOT_YET, NOTHING_ACTS, keys_without_effect
from agent_runtime.agents.fields import by_key
from agent_runtime.agents.forms.document import Document, Form, Path
from agent_runtime.agents.forms.file import FOR_PEOPLE, RENAMED, parse_file
from agent_runtime.agents.forms.file_shape import FileForm
from agent_runtime.agents.forms.flat import V0_KEYS, parse_flat
from agent_runtime.agents.forms.registered import parse_registered
from agent_runtime.agents.forms.row import form_of
from agent_runtime.agents.forms.text_ids import split_id
from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.secret_values import HIDDEN, secrets_in
from agent_runtime.domain.errors import MAX_ISSUES, ConfigIssue, InvalidAgentConfig

# Bytes of a file: ten times what the API takes, so that a file is never refused for its comments.
MAX_FILE: Final = 1024 * 1024
# Levels of nesting, as in the API: a configuration that was read must be written again.
MAX_DEPTH: Final = 200

_REGISTERED_ONLY: Final = {key for key in by_key(AgentConfig) if not key.islower()}
# Keys that are no column of the platform's table.
_NO_COLUMNS: Final = {"agent_data", "default_tools", "speech_guidance"}
_ROW_ONLY: Final = (
    {to_snake(key) for key in _REGISTERED_ONLY} - FileForm.model_fields.keys() - _NO_COLUMNS
)
_V0_ONLY: Final = V0_KEYS.keys() - FileForm.model_fields.keys()
_FILE_ONLY: Final = FileForm.model_fields.keys() - {"name", "description", "agent_id"}
# What the file form calls fields that the registered one lacks, by the keys that they are kept under.
_LATER: Final = {RENAMED.get(key) or to_camel(key) for key in FileForm.model_fields}


def load(text: bytes | str, form: Form | None = None) -> Document:
    """Read the JSON text of a configuration; see `read`. Raises InvalidAgentConfig."""
    return read(_json_object(text), form)


def read(given: Mapping[str, Any], form: Form | None = None) -> Document:
    """Bring a configuration into the registered form; without `form`, its keys show in which one it is.

    Raises InvalidAgentConfig, which names each faulty field by its path in `given`.
    """
    readers = {
        Form.REGISTERED: _registered,
        Form.ROW: _row,
        Form.V0: parse_flat,
        Form.FILE: parse_file,
    }
    document = readers[form or form_in(given)](given)
    document.check(parse_registered)
    document.check(_refuse_hidden)
    ignored = [
        ConfigIssue(issue.path, NOT_YET)
        if issue.path[0] in _LATER and issue.message == NOTHING_ACTS
        else issue
        for issue in keys_without_effect(document.config)
    ]
    own = {issue.path[0] for issue in document.ignored}
    found = [document.as_given(issue) for issue in ignored]
    shown = [*document.ignored, *(one for one in found if one.path[0] not in own)]
    return replace(
        document, ignored=[one for one in shown if one.path[0] not in FOR_PEOPLE][:MAX_ISSUES]
    )


def form_in(given: Mapping[str, Any]) -> Form:
    """The form that the keys belong to. A configuration that has no key of any form is a file."""
    keys = given.keys()
    if isinstance(given.get("config"), Mapping) and not keys & _FILE_ONLY:
        return Form.REGISTERED
    if keys & _REGISTERED_ONLY:
        return Form.REGISTERED
    if keys & _ROW_ONLY - _FILE_ONLY:
        return Form.ROW
    if keys & _V0_ONLY and not keys & _FILE_ONLY:
        return Form.V0
    return Form.FILE


def _registered(given: Mapping[str, Any]) -> Document:
    """The body of a registration, or its `config` alone."""
    body = given if isinstance(given.get("config"), Mapping) else {"config": given}
    config = dict(body["config"])
    ids = {
        key: body.get(key) if body.get(key) is not None else config.get(key)
        for key in ("agentId", "tenantId")
    }
    agent_id, text_id = split_id(ids["agentId"])
    tenant_id, no_tenant = split_id(ids["tenantId"])
    if no_tenant is not None:
        raise InvalidAgentConfig([ConfigIssue(("tenantId",), "is no integer")])
    config = {key: value for key, value in config.items() if key not in ids}
    return Document(Form.REGISTERED, config, agent_id, text_id, tenant_id)


def _row(given: Mapping[str, Any]) -> Document:
    """A row of the `agents` table as JSON; its *_config columns may be objects or JSON text."""
    row = {
        column: json.dumps(value) if isinstance(value, Mapping | list) else value
        for column, value in given.items()
    }
    config = form_of(row)
    moved: dict[Path, Path] = {(key,): (to_snake(key),) for key in config}
    agent_id, _ = split_id(given.get("id"))
    tenant_id, _ = split_id(given.get("tenant_id"))
    changes = [f"{to_snake(key)}: is {key} now" for key in config if key != to_snake(key)]
    return Document(Form.ROW, config, agent_id, None, tenant_id, moved, changes)


def _json_object(text: bytes | str) -> dict[str, Any]:
    """The JSON object in a text. Raises InvalidAgentConfig for what is none, or could not be stored."""
    if len(text) > MAX_FILE:
        raise _fault(f"is larger than {MAX_FILE} bytes")
    try:
        given = json.loads(
            text.decode("utf-8-sig") if isinstance(text, bytes) else text,
            object_pairs_hook=_without_duplicates,
            parse_constant=_no_constant,
        )
    except UnicodeDecodeError as error:
        raise _fault("is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise _fault(f"is not JSON: {error}") from error
    except RecursionError as error:
        raise _fault(f"has more than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise _fault(str(error)) from error
    if not isinstance(given, dict):
        raise _fault(f"is a JSON {type(given).__name__}; a configuration is an object")
    if issue := _unstorable(given, ()):
        raise InvalidAgentConfig([issue])
    return given


def _refuse_hidden(config: Mapping[str, Any]) -> None:
    hidden = [path for path, value in secrets_in(config) if value == HIDDEN]
    if hidden:
        message = f"is {HIDDEN}, which stands for a secret that was hidden; put the secret here"
        raise InvalidAgentConfig([ConfigIssue(path, message) for path in hidden])


def _fault(message: str) -> InvalidAgentConfig:
    return InvalidAgentConfig([ConfigIssue((), message)])


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"has the key {twice[:40]!r} twice in one object")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"has the number {name}, which JSON does not know")


def _unstorable(value: Any, path: Path) -> ConfigIssue | None:
    """The first place that no database could hold: a NUL, an unpaired surrogate, a level too many."""
    if len(path) > MAX_DEPTH:
        return ConfigIssue(path[:3], f"has more than {MAX_DEPTH} levels")
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= one <= "\udfff" for one in value):
            return ConfigIssue(path, "has a character that no database stores")
        return None
    inner: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, one in inner:
        if isinstance(key, str) and _unstorable(key, ()):
            return ConfigIssue(path, "has a key with a character that no database stores")
        if issue := _unstorable(one, (*path, key)):
            return issue
    return None
