"""The command `health`, which Docker's HEALTHCHECK runs: asks API and worker whether they are healthy."""

from __future__ import annotations

import argparse
import urllib.error
import urllib.request

from agent_runtime.settings import Settings
from agent_runtime.settings.addresses import local_url


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print one line a part; returns 0 when every part that was named is healthy, else 1."""
    worker, api_settings = settings.worker, settings.api
    urls = {
        "worker": f"{local_url(worker.health_host, worker.health_port)}/",
        "api": f"{local_url(api_settings.address, api_settings.port)}/health",
    }
    parts = urls if arguments.part == "all" else {arguments.part: urls[arguments.part]}
    healthy = True
    for part, url in parts.items():
        problem = probe(url)
        print(f"{part}: {problem or 'healthy'}")
        healthy = healthy and problem is None
    return 0 if healthy else 1


def probe(url: str, timeout: float = 3.0) -> str | None:
    """GET `url` within `timeout` seconds; returns None when it answers 200, else what is wrong."""
    try:
        with urllib.request.urlopen(url, timeout=timeout):  # noqa: S310 - always our own http:// URL
            return None
    except urllib.error.HTTPError as error:
        with error:
            return f"{url} answers {error.code}: {error.read(300).decode(errors='replace').strip()}"
    except (urllib.error.URLError, OSError) as error:
        return f"{url} does not answer: {getattr(error, 'reason', error)}"
