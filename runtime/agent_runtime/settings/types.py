"""What the groups of settings share: their base, the types of their fields, how values are shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from pydantic.fields import FieldInfo

from agent_runtime.egress.policy import EgressPolicy
from agent_runtime.prices.table import read_prices
from agent_runtime.secrecy.keyring import read_keys
from agent_runtime.secrecy.names import HIDDEN
from agent_runtime.secrecy.urls import hide_in_url
from agent_runtime.storage.sql.url import check_url

# `json_schema_extra` of a setting that is read and checked, while no code acts on it yet.
NO_EFFECT: Final[dict[str, Any]] = {"hasEffect": False}
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}")


def url_of(*schemes: str) -> AfterValidator:
    """A URL of one of these schemes, without the slash at its end."""

    def check(url: str) -> str:
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            # The library's message quotes what it took for the port, which may be part of the password.
            raise ValueError(
                "is not a valid URL: write / ? # @ [ ] in a password as %2F %3F %23 %40 %5B %5D, "
                "and the port as a number"
            ) from None
        if parts.scheme not in schemes or (url and not parts.scheme):
            wanted = " or ".join(f"{scheme}://" for scheme in schemes if scheme)
            raise ValueError(f"must start with {wanted}")
        return url.rstrip("/") if parts.scheme.startswith(("http", "ws")) else url

    return AfterValidator(check)


def _egress_allow(text: str) -> str:
    EgressPolicy.of(text)
    return text.strip()


def _folder(path: str) -> str:
    if path and not Path(path).is_dir():
        raise ValueError("is no folder that exists; make it, or leave the variable out")
    return path


def _secret_keys(text: SecretStr) -> SecretStr:
    read_keys(text.get_secret_value())
    return text


def _prices(path: str) -> str:
    read_prices(path)
    return path


SecretKeys = Annotated[SecretStr, AfterValidator(_secret_keys)]
# A file of prices that can be read and is right; "" for the one in the package.
PricesFile = Annotated[str, AfterValidator(_prices)]
EgressAllow = Annotated[str, AfterValidator(_egress_allow)]
HttpUrl = Annotated[str, url_of("http", "https")]
# A folder that exists; "" is none.
Folder = Annotated[str, AfterValidator(_folder)]
# The same, where "" is none.
OptionalUrl = Annotated[str, url_of("http", "https", "")]
LiveKitUrl = Annotated[str, url_of("ws", "wss", "http", "https")]
DatabaseUrl = Annotated[str, AfterValidator(check_url)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Group(BaseModel):
    """A group of settings; each field's alias is its environment variable."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", validate_default=True, hide_input_in_errors=True
    )


def shown(value: object) -> str:
    """A value for people to read; secrets and passwords are hidden."""
    if isinstance(value, SecretStr):
        return HIDDEN if value.get_secret_value() else ""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return hide_in_url(text) if "://" in text else text


def shown_invalid(variable: str, value: object, field: FieldInfo | None) -> str:
    """A value that was refused: nothing of a secret, and of a URL only the scheme.

    Where a URL is malformed, no part of it is safe.
    """
    if field is not None and field.annotation is SecretStr:
        return HIDDEN
    if not variable.endswith("_URL"):
        return shown(value)
    scheme, separator, _ = str(value).partition("://")
    return f"{scheme}://{HIDDEN}" if separator and _SCHEME.fullmatch(scheme) else HIDDEN
