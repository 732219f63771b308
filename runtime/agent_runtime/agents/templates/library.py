"""Finds templates, and resolves the chain of those that a configuration extends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from agent_runtime.agents.fields import key_in
from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.templates.merge import merged
from agent_runtime.domain.errors import ConfigIssue, InvalidAgentConfig

# The folder of the package's own templates; a file's name is the template's.
BUILT_IN: Final = Path(__file__).with_name("builtin")
# Templates in one chain: more is a mistake, and each costs time at a call's start.
MAX_CHAIN: Final = 10
# Bytes of a template's file, as many as a registration may have.
MAX_BYTES: Final = 100 * 1024

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.IGNORECASE)
_KEY: Final = "extends"

Document = Mapping[str, Any]


class Templates:
    """The package's templates, and those in a folder of the operator's, which win.

    `read_form` turns a document of another form into the registered one.
    """

    def __init__(
        self, own: Path | None = None, read_form: Callable[[Document], Document] = dict
    ) -> None:
        self._folders = (BUILT_IN,) if own is None else (own, BUILT_IN)
        self._read_form = read_form

    def names(self) -> list[str]:
        """The names of all templates, sorted."""
        return sorted({file.stem for folder in self._folders for file in folder.glob("*.json")})

    def resolved(self, config: Document) -> Document:
        """The configuration, completed by the template that it extends, and that one's, and so on.

        Without `extends` it is returned as it is. Reads files.
        Raises InvalidAgentConfig at `extends`, with the chain, for an unknown, circular or faulty template.
        """
        if extended_by(config) is None:
            return config
        chain: list[str] = []
        documents: list[Document] = [config]
        while (name := extended_by(documents[-1])) is not None:
            documents.append(self._next(name, chain))
        result: Document = {}
        for document in reversed(documents):
            try:
                result = merged(
                    result, {key: document[key] for key in document if not _is_key(key)}
                )
            except ValueError as error:
                raise _fault(chain, str(error)) from error
        return result

    def _next(self, name: object, chain: list[str]) -> Document:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise _fault(chain, f"{str(name)[:80]!r} is no template's name")
        chain.append(name)
        if name in chain[:-1]:
            raise _fault(chain, "the templates extend each other in a circle")
        if len(chain) > MAX_CHAIN:
            raise _fault(chain, f"more than {MAX_CHAIN} templates extend each other")
        for file in (*(one / f"{name}.json" for one in self._folders), _built_in(name)):
            if file.is_file():
                return self._read(file, chain)
        raise _fault(chain, f"there is no template {name}; there are {', '.join(self.names())}")

    def _read(self, file: Path, chain: list[str]) -> Document:
        try:
            if file.stat().st_size > MAX_BYTES:
                raise ValueError(f"has more than {MAX_BYTES} bytes")  # noqa: TRY301 - as of JSON
            document = json.loads(file.read_text("utf-8"))
            if not isinstance(document, dict):
                raise TypeError("is no JSON object")  # noqa: TRY301 - as of JSON
            return self._read_form(document)
        except InvalidAgentConfig as error:
            raise _fault(chain, str(error)) from error
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise _fault(chain, f"its file cannot be read: {error}") from error


def _built_in(name: str) -> Path:
    """The file of a built-in template, whatever the letter case and the low lines of its name."""
    return BUILT_IN / f"{name.lower().replace('_', '-')}.json"


def extended_by(config: Document) -> object | None:
    """What the configuration extends; None, null and "" are nothing."""
    return next((value for key, value in config.items() if _is_key(key) and value), None)


def _is_key(key: str) -> bool:
    return key_in(AgentConfig, key) == _KEY


def _fault(chain: list[str], why: str) -> InvalidAgentConfig:
    through = f"{' > '.join(chain)}: " if chain else ""
    return InvalidAgentConfig([ConfigIssue((_KEY,), f"{through}{why}")])
