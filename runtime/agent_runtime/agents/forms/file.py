"""The file form: snake_case JSON with an object for each provider. It becomes the registered form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from agent_runtime.agents.fields import by_key, key_in, with_one_spelling
from agent_runtime.agents.forms.document import (
    Document,
    Form,
    Path,
    in_one_spelling,
    shape_issues,
)
from agent_runtime.agents.forms.file_shape import (
    MAX_HISTORY,
    TEMPERATURE,
    FileForm,
    LlmPart,
    Part,
    SttPart,
    TtsPart,
)
from agent_runtime.agents.forms.text_ids import split_id
from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.sections import TurnOptions
from agent_runtime.domain.errors import ConfigIssue, InvalidAgentConfig

# Keys of the file form, and what they are called in the registered one where that is more than a spelling.
RENAMED: Final[Mapping[str, str]] = {
    "first_message": "initialGreeting",
    "system_instructions": "systemPrompt",
}
# The key of the sections that the instructions of a file have unless it says otherwise.
SPEECH: Final = "speechGuidance"
# The key of the tools that files have unless they say otherwise.
DEFAULT_TOOLS: Final = "defaultTools"
# The objects of the providers: the registered object, and the registered keys of what moves out of it.
PROVIDERS: Final[Mapping[str, tuple[str, type[Part], Mapping[str, str]]]] = {
    "stt_config": ("sttConfig", SttPart, {"provider": "sttProvider"}),
    "llm_config": (
        "llmConfig",
        LlmPart,
        {"provider": "llmProvider", "model": "llmModel", "temperature": "temperature"},
    ),
    "tts_config": ("ttsConfig", TtsPart, {"provider": "ttsProvider", "voice_id": "voiceId"}),
}
# The framework's names of what turnDetectionConfig holds.
TURN_KEYS: Final[Mapping[str, str]] = {
    "min_endpointing_delay": "minDelay",
    "max_endpointing_delay": "maxDelay",
}
CUSTOM: Final = "custom_params"
# Fields that are for people, like name and description.
FOR_PEOPLE: Final = ("agent_id", "agent_type", "version")
_TURNS: Final = "turn_detection_config"


def parse_file(given: Mapping[str, Any]) -> Document:
    """Turn the file form into the registered one. Raises InvalidAgentConfig, naming keys of the file.

    The values are checked for their shape only; `Document.check` runs the checks of the registered form.
    """
    try:
        FileForm.model_validate(given)
    except ValidationError as error:
        raise InvalidAgentConfig(shape_issues(error, given)) from error
    spelled = in_one_spelling(FileForm, given)
    if issues := list(_faults(spelled)):
        raise InvalidAgentConfig(issues)
    agent_id, text_id = split_id(spelled.pop("agent_id", None))
    moving = _Moving()
    for key, value in spelled.items():
        moving.move(key, value)
    changes = []
    if "temperature" not in moving.config and "extends" not in spelled:
        moving.put(("temperature",), TEMPERATURE, ("llm_config", "temperature"))
        changes.append(f"llm_config.temperature: {TEMPERATURE}, as files that name none have it")
    if SPEECH not in moving.config:
        moving.put((SPEECH,), True, ("speech_guidance",))
        changes.append("speech_guidance: true, as the instructions of files have it")
    if DEFAULT_TOOLS not in moving.config:
        moving.put((DEFAULT_TOOLS,), True, ("default_tools",))
        changes.append("default_tools: true, as files have the built-in tools")
    if moving.config.get("extends"):
        for key in moving.nulls(given):
            moving.config.setdefault(key, None)  # it removes the template's value
    ignored = [ConfigIssue((key,), "is no key of this form; it is kept") for key in moving.own_keys]
    return Document(
        Form.FILE, moving.config, agent_id, text_id, None, moving.moved, changes, ignored
    )


class _Moving:
    """Moves values to their registered keys, and remembers where they were."""

    def __init__(self) -> None:
        self.config: dict[str, Any] = {}
        self.moved: dict[Path, Path] = {}
        self.own_keys: list[str] = []
        self._known = FileForm.model_fields.keys()

    def move(self, key: str, value: Any) -> None:
        """Put the value of one key of the file where it belongs."""
        if key in PROVIDERS:
            self._provider(key, value)
        elif key == "tools":
            self._tools(value)
        elif key == _TURNS:
            for name, one in value.items():
                self.put(("turnDetectionConfig", TURN_KEYS.get(name, name)), one, (key, name))
            self.moved["turnDetectionConfig",] = (key,)
        elif key in self._known:
            self.put((RENAMED.get(key) or to_camel(key),), value, (key,))
        else:
            # A key that only the registered form has is understood here as well.
            name = key_in(AgentConfig, key)
            if name not in by_key(AgentConfig):
                self.own_keys.append(key)
            self.put((name,), value, (key,))

    def put(self, path: Path, value: Any, origin: Path) -> None:
        """Set a value of the registered form."""
        inside = self.config
        for step in path[:-1]:
            inside = inside.setdefault(str(step), {})
        inside[str(path[-1])] = value
        self.moved[path] = origin

    def _tools(self, given: Sequence[Any]) -> None:
        self.put(("tools",), given, ("tools",))
        for number, one in enumerate(given):
            if isinstance(one, Mapping) and one.get("api_spec"):
                self.moved["tools", number, "server"] = ("tools", number, "api_spec")

    def nulls(self, given: Mapping[str, Any]) -> Iterator[str]:
        """The registered keys of what is null in the file."""
        for key, value in given.items():
            name = key_in(FileForm, key)
            if value is None and name not in PROVIDERS and name in self._known:
                yield RENAMED.get(name) or to_camel(name)

    def _provider(self, key: str, value: Mapping[str, Any]) -> None:
        target, _, moves = PROVIDERS[key]
        self.moved[target,] = (key,)
        values: dict[Path, Any] = {
            (key, name): one for name, one in value.items() if name != CUSTOM
        }
        values |= {(key, CUSTOM, name): one for name, one in value.get(CUSTOM, {}).items()}
        for origin, one in values.items():
            name = str(origin[-1])
            self.put((moves[name],) if name in moves else (target, name), one, origin)


def _faults(given: Mapping[str, Any]) -> Iterator[ConfigIssue]:
    """What the types of single fields cannot say."""
    for key in PROVIDERS:
        part = given.get(key, {})
        for option in part.get(CUSTOM, {}):
            if option in part:
                yield ConfigIssue((key, CUSTOM, option), f"is given as {key}.{option}, too")
    turns = given.get(_TURNS, {})
    for name in turns:
        other = TURN_KEYS.get(name)
        if other and any(key_in(TurnOptions, key) == other for key in turns):
            yield ConfigIssue((_TURNS, name), f"is given as {other}, too")
    memory = given.get("memory_config", {})
    threshold = memory.get("summarize_threshold")
    if threshold is not None and threshold < memory.get("max_history", MAX_HISTORY):
        yield ConfigIssue(("memory_config", "summarize_threshold"), "is less than max_history")
    for key in ("evaluation_webhook", "metrics_webhook", "completion_webhook"):
        hook = given.get(key, {})
        if hook and hook.get("enabled") is not False and not hook.get("url"):
            yield ConfigIssue((key, "url"), "is needed, unless enabled is false")
    yield from _tool_faults(given.get("tools", []))


def _tool_faults(tools: list[Any]) -> Iterator[ConfigIssue]:
    first: dict[str, int] = {}
    for number, tool in enumerate(tools):
        name = tool if isinstance(tool, str) else tool["name"]
        if first.setdefault(name, number) != number:
            message = f"is the name of tools.{first[name]}, too; each tool needs its own"
            path: Path = ("tools", number) if isinstance(tool, str) else ("tools", number, "name")
            yield ConfigIssue(path, message)
        if isinstance(tool, Mapping) and tool.get("type") == "webhook" and not tool.get("api_spec"):
            yield ConfigIssue(("tools", number, "api_spec"), "is needed by a tool of type webhook")


def to_file(config: Mapping[str, Any], agent_id: str | int | None = None) -> dict[str, Any]:
    """The file form of a registered configuration. Keys that the file form lacks keep their names."""
    given = with_one_spelling(AgentConfig, config)
    outward = {registered: key for key, registered in RENAMED.items()}
    outward |= {to_camel(key): key for key in FileForm.model_fields}
    found: dict[str, Any] = {} if agent_id is None else {"agent_id": agent_id}
    parts: dict[str, dict[str, Any]] = {key: {} for key in PROVIDERS}
    out_of_parts = {
        registered: (key, name)
        for key, (_, _, moves) in PROVIDERS.items()
        for name, registered in moves.items()
    }
    if not given.get(SPEECH):
        found["speech_guidance"] = False  # a file that does not say so has it
    if not given.get(DEFAULT_TOOLS):
        found["default_tools"] = False
    for key, value in given.items():
        if value is None or key in (SPEECH, DEFAULT_TOOLS):
            continue
        if key in out_of_parts:
            part, name = out_of_parts[key]
            parts[part][name] = value
        elif (name := outward.get(key, key)) in PROVIDERS:
            _add_options(parts[name], name, value)
        else:
            found[name] = value
    return found | {key: part for key, part in parts.items() if part}


def _add_options(part: dict[str, Any], key: str, options: Mapping[str, Any]) -> None:
    _, shape, moves = PROVIDERS[key]
    own = shape.model_fields.keys() - {CUSTOM}
    for option, value in with_one_spelling(shape, options).items():
        if option in own and option not in part:
            part[option] = value
        elif option not in moves and option != CUSTOM:
            part.setdefault(CUSTOM, {})[option] = value
