"""Every setting, once: read from the environment and `.env`, checked together, typed.

The names are those of the Node.js version where it had them. `.env.example` explains each one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

from agent_runtime.agents.model import Profile
from agent_runtime.domain.errors import InvalidInput

HIDDEN: Final = "********"
# Of a URL, also of one that is not well formed: from the user's name to the last @ of all.
_PASSWORD: Final = re.compile(r"(://[^:@/]*:).*(@)", re.DOTALL)


class SettingsError(InvalidInput):
    """Raised for missing or malformed settings; `problems` has one line each, by variable name."""

    remedy = "each variable is explained in .env.example"

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def _url_of(*schemes: str) -> AfterValidator:
    def check(url: str) -> str:
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            # What the library says holds what it took for the port: part of the password, maybe.
            raise ValueError(
                "is not a URL: write / ? # @ [ ] of a password as %2F %3F %23 %40 %5B %5D, "
                "and the port as a number"
            ) from None
        if parts.scheme not in schemes:
            raise ValueError(f"must start with {' or '.join(f'{s}://' for s in schemes)}")
        return url.rstrip("/") if parts.scheme.startswith(("http", "ws")) else url

    return AfterValidator(check)


HttpUrl = Annotated[str, _url_of("http", "https")]
LiveKitUrl = Annotated[str, _url_of("ws", "wss", "http", "https")]
DatabaseUrl = Annotated[str, _url_of("sqlite", "postgresql", "postgres")]
Port = Annotated[int, Field(ge=0, le=65535)]


class _Group(BaseModel):
    """A group of settings; each field's alias is its environment variable."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_default=True)


class LiveKitSettings(_Group):
    """Where the LiveKit server is, and the key that API and worker use for it."""

    url: LiveKitUrl = Field("ws://localhost:7880", alias="LIVEKIT_URL")
    api_key: str = Field("", alias="LIVEKIT_API_KEY")
    api_secret: SecretStr = Field(SecretStr(""), alias="LIVEKIT_API_SECRET")
    timeout: float = Field(2.0, alias="LIVEKIT_TIMEOUT", gt=0, le=60)


class ApiSettings(_Group):
    """The HTTP API."""

    host: str = Field("0.0.0.0", alias="HOST")  # noqa: S104 - a container publishes the port it wants
    port: Port = Field(8080, alias="PORT")
    api_key: SecretStr = Field(SecretStr(""), alias="AGENT_RUNTIME_API_KEY")
    open_sessions_and_metrics: bool = Field(False, alias="AGENT_RUNTIME_OPEN_SESSIONS_AND_METRICS")
    max_sessions_per_agent: int = Field(100, alias="MAX_SESSIONS_PER_AGENT", ge=1)
    header_timeout: float = Field(10.0, alias="HTTP_HEADER_TIMEOUT", gt=0)
    body_timeout: float = Field(30.0, alias="HTTP_BODY_TIMEOUT", gt=0)


class DatabaseSettings(_Group):
    """The database that API and worker share."""

    url: DatabaseUrl = Field("sqlite:///agent-runtime.sqlite3", alias="DATABASE_URL")
    prepare: bool = Field(True, alias="DATABASE_PREPARE")
    pool_size: int = Field(8, alias="DATABASE_POOL_SIZE", ge=1, le=200)


class WatchSettings(_Group):
    """How patient the runtime is with sessions that have no agent, in seconds."""

    lease: float = Field(2.0, alias="SESSION_LEASE", gt=0, le=600)
    start: float = Field(20.0, alias="SESSION_START_PATIENCE", gt=0, le=600)
    answer: float = Field(1.5, alias="SESSION_DISPATCH_PATIENCE", gt=0, le=60)
    deadline: float = Field(30.0, alias="SESSION_AGENT_DEADLINE", gt=0, le=3600)
    when_full: Literal["queue", "refuse"] = Field("queue", alias="SESSION_WHEN_FULL")
    interval: float = Field(0.25, alias="SESSION_WATCH_INTERVAL", gt=0, le=10)


class LangfuseSettings(_Group):
    """Langfuse, the observability service."""

    enabled: bool = Field(False, alias="LANGFUSE_ENABLED")
    public_key: str = Field("", alias="LANGFUSE_PUBLIC_KEY")
    secret_key: SecretStr = Field(SecretStr(""), alias="LANGFUSE_SECRET_KEY")
    base_url: HttpUrl = Field("https://cloud.langfuse.com", alias="LANGFUSE_BASE_URL")


class WorkerSettings(_Group):
    """The LiveKit agent server."""

    idle_processes: int = Field(3, alias="WORKER_NUM_IDLE_PROCESSES", ge=0, le=64)
    max_calls: int = Field(50, alias="MAX_AGENTS_PER_INSTANCE", ge=1)
    health_host: str = Field("0.0.0.0", alias="WORKER_HEALTH_HOST")  # noqa: S104 - probes come from outside
    health_port: Port = Field(8081, alias="WORKER_HEALTH_PORT")
    drain_timeout: int = Field(1800, alias="WORKER_DRAIN_TIMEOUT", ge=0)
    name: str = Field("", alias="WORKER_NAME", max_length=200)
    namespace: str = Field("livekit", alias="WORKER_NAMESPACE", min_length=1, max_length=128)
    most_cpu_pressure: float = Field(45.0, alias="WORKER_MOST_CPU_PRESSURE", ge=1, le=100)
    heartbeat: float = Field(0.5, alias="WORKER_HEARTBEAT", gt=0, le=60)
    leave_grace: float = Field(1.0, alias="WORKER_LEAVE_GRACE", ge=0, le=600)
    silence: float = Field(4.0, alias="WORKER_LONGEST_SILENCE", ge=0, le=60)
    wait_for_caller: float = Field(300.0, alias="WORKER_WAIT_FOR_CALLER", gt=0, le=86_400)
    profile: Profile = Field(Profile.BALANCED, alias="WORKER_PROFILE")
    turn_detector_plugin: bool = Field(False, alias="WORKER_TURN_DETECTOR_PLUGIN")
    platform_api_url: HttpUrl = Field("http://localhost:8000", alias="PLATFORM_API_URL")


class ProviderSettings(_Group):
    """Keys, addresses and default models of the speech and language providers."""

    deepgram_api_key: SecretStr = Field(SecretStr(""), alias="DEEPGRAM_API_KEY")
    deepgram_base_url: Annotated[str, _url_of("http", "https", "ws", "wss")] = Field(
        "https://api.deepgram.com/v1/listen", alias="DEEPGRAM_BASE_URL"
    )
    stt_model: str = Field("nova-3", alias="STT_MODEL", min_length=1)
    openai_api_key: SecretStr = Field(SecretStr(""), alias="OPENAI_API_KEY")
    openai_base_url: HttpUrl = Field("https://api.openai.com/v1", alias="OPENAI_BASE_URL")
    llm_model: str = Field("gpt-4o-mini", alias="LLM_MODEL", min_length=1)
    cartesia_api_key: SecretStr = Field(SecretStr(""), alias="CARTESIA_API_KEY")
    cartesia_base_url: HttpUrl = Field("https://api.cartesia.ai", alias="CARTESIA_BASE_URL")
    tts_model: str = Field("sonic", alias="TTS_MODEL", min_length=1)
    tts_voice_id: str = Field("", alias="TTS_VOICE_ID")


class LogSettings(_Group):
    """What is logged, and how."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "INFO", alias="LOG_LEVEL"
    )
    format: Literal["auto", "json", "text"] = Field("auto", alias="LOG_FORMAT")


class Settings(BaseModel):
    """All settings, by group."""

    model_config = ConfigDict(frozen=True)

    livekit: LiveKitSettings
    api: ApiSettings
    database: DatabaseSettings
    watch: WatchSettings
    langfuse: LangfuseSettings
    worker: WorkerSettings
    providers: ProviderSettings
    log: LogSettings

    @classmethod
    def load(
        cls,
        environ: Mapping[str, str],
        *,
        env_file: Path | None = None,
        needs: Iterable[str] = (),
    ) -> Self:
        """Read and check every setting; `environ` wins over `env_file`, empty counts as unset.

        `needs` names variables that must not be empty for the command at hand.
        Raises SettingsError with every problem at once.
        """
        given = {
            **{k: v for k, v in _read_env_file(env_file).items() if v},
            **{k: v for k, v in environ.items() if v},
        }
        for variable in ("LOG_LEVEL", "LOG_FORMAT"):
            if variable in given:
                given[variable] = _fold(variable, given[variable])
        problems = [
            f"{variable}: is not set, and this command needs it"
            for variable in needs
            if not given.get(variable)
        ]
        groups: dict[str, _Group] = {}
        for name, field in cls.model_fields.items():
            group = field.annotation
            if not (isinstance(group, type) and issubclass(group, _Group)):
                raise TypeError(f"{name} is no group of settings")
            try:
                groups[name] = group.model_validate(given)
            except ValidationError as error:
                problems += [_describe(fault) for fault in error.errors(include_url=False)]
        problems += _contradictions(given)
        watch, worker = groups.get("watch"), groups.get("worker")
        if isinstance(watch, WatchSettings) and isinstance(worker, WorkerSettings):
            problems += _impatient(watch, worker)
        if problems:
            raise SettingsError(problems)
        return cls.model_validate(groups)

    def variables(self) -> dict[str, str]:
        """Every variable with its value in force, secrets hidden; for people to read."""
        shown: dict[str, str] = {}
        for name in type(self).model_fields:
            group: _Group = getattr(self, name)
            for field_name, field in type(group).model_fields.items():
                value = getattr(group, field_name)
                shown[str(field.alias)] = _shown(value)
        return shown


def _read_env_file(path: Path | None) -> dict[str, str | None]:
    return dotenv_values(path) if path is not None and path.is_file() else {}


def _fold(variable: str, value: str) -> str:
    return value.upper() if variable == "LOG_LEVEL" else value.lower()


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        return HIDDEN if value.get_secret_value() else ""
    if isinstance(value, bool):
        return str(value).lower()
    return _PASSWORD.sub(rf"\1{HIDDEN}\2", str(value))


def _describe(fault: Mapping[str, Any]) -> str:
    variable = ".".join(map(str, fault["loc"]))
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{variable}: {message[:1].lower()}{message[1:]} (it is {_shown(fault['input'])!r})"


def _contradictions(given: Mapping[str, str]) -> list[str]:
    problems = []
    if bool(given.get("LIVEKIT_API_KEY")) != bool(given.get("LIVEKIT_API_SECRET")):
        problems.append("LIVEKIT_API_KEY, LIVEKIT_API_SECRET: set both or neither")
    enabled = given.get("LANGFUSE_ENABLED", "").lower() in {"1", "true", "yes", "on"}
    if enabled and not (given.get("LANGFUSE_PUBLIC_KEY") and given.get("LANGFUSE_SECRET_KEY")):
        problems.append(
            "LANGFUSE_ENABLED: set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY, or set it to false"
        )
    return problems


def _impatient(watch: WatchSettings, worker: WorkerSettings) -> list[str]:
    """Terms that would take sessions from agents that are well."""
    problems = []
    if watch.lease < 3 * worker.heartbeat:
        problems.append(
            f"SESSION_LEASE: {watch.lease:g} s is too short for WORKER_HEARTBEAT="
            f"{worker.heartbeat:g}: make it at least three heartbeats, {3 * worker.heartbeat:g}"
        )
    if watch.interval > watch.lease / 2:
        problems.append(
            f"SESSION_WATCH_INTERVAL: {watch.interval:g} s is too long for SESSION_LEASE="
            f"{watch.lease:g}: make it at most half of it, {watch.lease / 2:g}"
        )
    if watch.deadline <= watch.answer:
        problems.append(
            f"SESSION_AGENT_DEADLINE: {watch.deadline:g} s leaves no time for a second try: make it "
            f"longer than SESSION_DISPATCH_PATIENCE={watch.answer:g}"
        )
    return problems
