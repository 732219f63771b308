"""The addresses of a configuration that the new service refuses, beyond what a schema can say.

Its rules depend on its settings. These are the rules of a service that the testbed starts: EGRESS_ALLOW is
not set, and the providers' public addresses are the service's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_SECTIONS: Final = ("sttConfig", "llmConfig", "ttsConfig")
_OWN: Final = ("https://api.deepgram.com", "https://api.openai.com", "https://api.cartesia.ai")


def addresses_at_fault(config: Mapping[str, Any]) -> bool:
    """Whether a base URL is not https (or wss), or has no key beside it, or a webhook is at fault."""
    return any(map(_is_at_fault, _options(config))) or _webhooks_at_fault(config)


def _webhooks_at_fault(config: Mapping[str, Any]) -> bool:
    """Whether a webhook has no address, none of https, that of another one, or a secret of another form."""
    hooks = [one for one in _list(config.get("webhooks")) if isinstance(one, dict)]
    report = config.get("completionWebhook")
    if isinstance(report, dict) and report.get("enabled") is not False:
        hooks.append(report)
    urls = [str(one.get("url") or "").strip().lower() for one in hooks]
    secrets = [str(one.get("secret") or "whsec_") for one in hooks]
    return (
        len(set(urls)) < len(urls)
        or not all(url.startswith("https://") for url in urls)
        or not all(secret.startswith("whsec_") for secret in secrets)
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _options(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name in _SECTIONS:
        section = config.get(name)
        if isinstance(section, dict):
            yield section
            fallbacks = section.get("fallbacks")
            for one in fallbacks if isinstance(fallbacks, list) else ():
                if isinstance(one, dict):
                    yield one


def _is_at_fault(options: Mapping[str, Any]) -> bool:
    spelled = {
        name.replace("_", "").replace("-", "").lower(): value for name, value in options.items()
    }
    url, key = spelled.get("baseurl"), spelled.get("apikey")
    if not isinstance(url, str) or not url.strip():
        return False
    address = url.strip().lower()
    if address.startswith(_OWN):
        return False
    return not address.startswith(("https://", "wss://")) or not (
        isinstance(key, str) and key.strip()
    )
