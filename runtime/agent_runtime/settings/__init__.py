"""Every setting, defined once: read from the environment and `.env`, typed, checked together.

A variable that the Node.js version had keeps its name. `.env.example` explains each variable. The variables
of a provider come from its folder (`providers/*/spec.py`).
"""

from agent_runtime.secrecy.names import HIDDEN
from agent_runtime.settings.groups import (
    ApiSettings,
    AuditSettings,
    DatabaseSettings,
    EgressSettings,
    LangfuseSettings,
    LiveKitSettings,
    LogSettings,
    SecretSettings,
    SourceSettings,
    WatchSettings,
    WorkerSettings,
)
from agent_runtime.settings.providers import ProviderSettings
from agent_runtime.settings.settings import Settings, SettingsError

__all__ = [
    "HIDDEN",
    "ApiSettings",
    "AuditSettings",
    "DatabaseSettings",
    "EgressSettings",
    "LangfuseSettings",
    "LiveKitSettings",
    "LogSettings",
    "ProviderSettings",
    "SecretSettings",
    "Settings",
    "SettingsError",
    "SourceSettings",
    "WatchSettings",
    "WorkerSettings",
]
