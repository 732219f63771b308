"""Whether a running API or worker answers its health endpoint; what Docker's HEALTHCHECK calls."""

from __future__ import annotations

import urllib.error
import urllib.request


def probe(url: str, timeout: float = 3.0) -> str | None:
    """GET `url`; returns None when it answers 200, else what is wrong."""
    try:
        with urllib.request.urlopen(url, timeout=timeout):  # noqa: S310 - always our own http:// URL
            return None
    except urllib.error.HTTPError as error:
        with error:
            return f"{url} answers {error.code}: {error.read(300).decode(errors='replace').strip()}"
    except (urllib.error.URLError, OSError) as error:
        return f"{url} does not answer: {getattr(error, 'reason', error)}"
