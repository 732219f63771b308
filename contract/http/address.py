"""Where a target listens: http or https, with a path in front of all paths or without."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from contract.errors import TargetUnreachable

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Trust:
    """Which certificates of https targets are trusted: the system's, those of a file, or all."""

    ca: Path | None = None
    everyone: bool = False

    def context(self) -> ssl.SSLContext:
        """The TLS settings. Raises TargetUnreachable when the file holds no certificate."""
        try:
            found = ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
        except (OSError, ssl.SSLError) as error:
            raise TargetUnreachable(f"--ca {self.ca} holds no PEM certificate: {error}") from error
        if self.everyone:
            found.check_hostname = False
            found.verify_mode = ssl.CERT_NONE
        return found


@dataclass(frozen=True, slots=True)
class Address:
    """Where a target listens. `base` is put before every path; `tls` is None for plain http."""

    host: str
    port: int
    base: str = ""
    tls: Trust | None = None

    @classmethod
    def of(cls, url: str) -> Address:
        """From `http[s]://host[:port][/base]`. Raises TargetUnreachable for anything else."""
        try:
            parts = urlsplit(url)
            port = _PORTS.get(parts.scheme) if parts.port is None else parts.port
        except ValueError as error:
            raise TargetUnreachable(f"{url} is not a URL: {error}") from error
        more = parts.query or parts.fragment or parts.username
        if port is None or parts.scheme not in _PORTS or not parts.hostname or more:
            raise TargetUnreachable(
                f"{url} is not a base URL of the form http://host:port or https://host:port/base"
            )
        tls = Trust() if parts.scheme == "https" else None
        return cls(parts.hostname, port, parts.path.rstrip("/"), tls)

    def trusting(self, trust: Trust) -> Address:
        """The same address with other trusted certificates, where it has TLS."""
        return self if self.tls is None else replace(self, tls=trust)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host  # RFC 3986, section 3.2.2
        return f"{host}:{self.port}"
