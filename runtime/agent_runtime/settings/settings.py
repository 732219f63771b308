"""Reads the environment and `.env` into one typed object, and checks all settings together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from agent_runtime.domain.errors import InvalidInput
from agent_runtime.providers.common.spec import ProviderDefaults, Stage
from agent_runtime.secrecy.keyring import split_keys
from agent_runtime.settings.addresses import is_loopback
from agent_runtime.settings.groups import (
    ApiSettings,
    AuditSettings,
    DatabaseSettings,
    EgressSettings,
    LangfuseSettings,
    LiveKitSettings,
    LogSettings,
    PrivacySettings,
    SecretSettings,
    SourceSettings,
    WatchSettings,
    WebhookSettings,
    WorkerSettings,
)
from agent_runtime.settings.providers import ProviderSettings, provider_settings
from agent_runtime.settings.types import NO_EFFECT, Group, shown, shown_invalid
from agent_runtime.storage.sql.postgres_url import read_postgres_url
from agent_runtime.storage.sql.url import is_postgres

# End of the host names of LiveKit's cloud.
CLOUD: Final = ".livekit.cloud"
# Names of levels in other loggers, pino's above all, which the Node.js version used.
LEVELS: Final = {
    "WARN": "WARNING",
    "ERR": "ERROR",
    "FATAL": "CRITICAL",
    "TRACE": "DEBUG",
    "VERBOSE": "DEBUG",
}


class SettingsError(InvalidInput):
    """Raised for missing or malformed settings; `problems` has one line each, by variable name."""

    remedy = "each variable is explained in .env.example"

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Settings(BaseModel):
    """All settings, by group."""

    model_config = ConfigDict(frozen=True)

    livekit: LiveKitSettings
    api: ApiSettings
    database: DatabaseSettings
    secrets: SecretSettings
    egress: EgressSettings
    audit: AuditSettings
    webhooks: WebhookSettings
    watch: WatchSettings
    privacy: PrivacySettings
    langfuse: LangfuseSettings
    worker: WorkerSettings
    sources: SourceSettings
    providers: ProviderSettings
    log: LogSettings

    @classmethod
    def load(
        cls,
        environ: Mapping[str, str],
        *,
        env_file: Path | None = None,
        needs: Iterable[str] = (),
        serves_api: bool = False,
        keys_exist: Callable[[Self], bool] | None = None,
    ) -> Self:
        """Read and check every setting. `environ` wins over `env_file`; an empty value counts as unset.

        White space around a value does not count: a value that was read from a file ends with a line break.
        `needs` names the variables that the command cannot do without. With `serves_api`, an API that
        strangers could use without a key is a problem as well; where only keys of the database would keep
        them out, `keys_exist` looks for some.
        Raises SettingsError with all problems at once, and StoreUnavailable when `keys_exist` does.
        """
        given = {**_trimmed(_read_env_file(env_file)), **_trimmed(environ)}
        for variable in ("LOG_LEVEL", "LOG_FORMAT", "PRIVACY_TIER"):
            if variable in given:
                given[variable] = _fold(variable, given[variable])
        problems = [
            f"{variable}: is not set, and this command needs it"
            for variable in needs
            if not given.get(variable)
        ]
        groups: dict[str, Group] = {}
        for name, field in cls.model_fields.items():
            # The one group whose fields are known only when the specs have been read.
            group = provider_settings() if name == "providers" else field.annotation
            if not (isinstance(group, type) and issubclass(group, Group)):
                raise TypeError(f"{name} is no group of settings")
            try:
                groups[name] = group.model_validate(given)
            except ValidationError as error:
                fields = {str(one.alias): one for one in group.model_fields.values()}
                problems += [_describe(one, fields) for one in error.errors(include_url=False)]
        problems += _contradictions(given)
        watch, worker = groups.get("watch"), groups.get("worker")
        if isinstance(watch, WatchSettings) and isinstance(worker, WorkerSettings):
            problems += _too_short(watch, worker)
        api = groups.get("api")
        without_key: list[str] = []
        if serves_api and isinstance(api, ApiSettings):
            without_key = _open_to_strangers(api)
        if problems or (without_key and keys_exist is None):
            raise SettingsError(problems + without_key)
        settings = cls.model_validate(groups)
        if without_key and keys_exist is not None and not keys_exist(settings):
            raise SettingsError(without_key)
        return settings

    def provider_defaults(self) -> dict[Stage, dict[str, ProviderDefaults]]:
        """What agents use that do not say otherwise, by stage and provider."""
        livekit = self.livekit
        host = urlsplit(livekit.url).hostname or ""
        is_cloud = host.endswith(CLOUD)
        cloud = (livekit.api_key, livekit.api_secret.get_secret_value()) if is_cloud else ("", "")
        return self.providers.defaults(self.egress.policy(), cloud)

    def variables(self) -> dict[str, str]:
        """Every variable with the value in use, secrets hidden; for people to read."""
        return {
            str(field.alias): shown(getattr(group, name)) for group, name, field in self._fields()
        }

    def secret_values(self) -> Iterator[str]:
        """The secrets themselves, for whoever looks for them in a text that is about to be written."""
        for group, name, _ in self._fields():
            value = getattr(group, name)
            if isinstance(value, SecretStr) and value.get_secret_value():
                yield value.get_secret_value()
        yield from split_keys(self.secrets.keys.get_secret_value())
        if is_postgres(self.database.url):
            given = read_postgres_url(self.database.url).parameters
            yield from (given[name] for name in ("password", "sslpassword") if name in given)

    def without_effect(self) -> frozenset[str]:
        """The variables that no code acts on yet."""
        return frozenset(
            str(field.alias)
            for _, _, field in self._fields()
            if field.json_schema_extra is NO_EFFECT
        )

    def _fields(self) -> Iterator[tuple[Group, str, FieldInfo]]:
        for group_name in type(self).model_fields:
            group: Group = getattr(self, group_name)
            for name, field in type(group).model_fields.items():
                yield group, name, field


def _read_env_file(path: Path | None) -> dict[str, str | None]:
    return dotenv_values(path) if path is not None and path.is_file() else {}


def _trimmed(values: Mapping[str, str | None]) -> dict[str, str]:
    stripped = {name: value.strip() for name, value in values.items() if value}
    return {name: value for name, value in stripped.items() if value}


def _fold(variable: str, value: str) -> str:
    return LEVELS.get(value.upper(), value.upper()) if variable == "LOG_LEVEL" else value.lower()


def _describe(fault: Mapping[str, Any], fields: Mapping[str, FieldInfo]) -> str:
    variable = ".".join(map(str, fault["loc"]))
    message = str(fault["msg"]).removeprefix("Value error, ")
    value = shown_invalid(variable, fault["input"], fields.get(variable))
    return f"{variable}: {message[:1].lower()}{message[1:]} (the value is {value!r})"


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


def _open_to_strangers(api: ApiSettings) -> list[str]:
    if api.has_key or api.allow_no_key or is_loopback(api.address):
        return []
    problem = (
        f"HOST: other machines can reach {api.address}, and AGENT_RUNTIME_API_KEY is not set: set a key, "
        "or make one by `agent-runtime keys create`, or set HOST=127.0.0.1, or "
        "AGENT_RUNTIME_ALLOW_NO_KEY=true where something else keeps strangers away"
    )
    return [problem]


def _too_short(watch: WatchSettings, worker: WorkerSettings) -> list[str]:
    """Problems with times that would take sessions away from healthy agents."""
    problems = []
    if watch.lease < 3 * worker.heartbeat:
        problems.append(
            f"SESSION_LEASE: {watch.lease:g} s is too short for WORKER_HEARTBEAT="
            f"{worker.heartbeat:g}; set at least three heartbeats, {3 * worker.heartbeat:g}"
        )
    if watch.interval > watch.lease / 2:
        problems.append(
            f"SESSION_WATCH_INTERVAL: {watch.interval:g} s is too long for SESSION_LEASE="
            f"{watch.lease:g}; set at most half of the lease, {watch.lease / 2:g}"
        )
    if watch.deadline <= watch.answer:
        problems.append(
            f"SESSION_AGENT_DEADLINE: {watch.deadline:g} s leaves no time for a second dispatch; set "
            f"more than SESSION_DISPATCH_PATIENCE={watch.answer:g}"
        )
    return problems
