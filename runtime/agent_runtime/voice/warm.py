"""What each call would load or build at its start; the process that jobs are forked from does it once.

Importing this module takes a tenth of a second. A job that inherits it begins that much sooner, and the
processor that other calls need is left to them.
"""

from __future__ import annotations

# The language model's HTTP client imports it at its first request.
import anyio._backends._asyncio  # noqa: F401
from livekit.agents.tokenize import basic
from livekit.agents.utils import http_context

from agent_runtime.voice.providers.openai import authorities

# Reads the patterns of its dictionary, at the first word of a call otherwise.
basic.hyphenate_word("warm")
# Parses all certificate authorities, for the language model's client and for the sessions of all plugins.
# The framework keeps its own for a process but has no public way to have it early; where this one is gone
# each job does it, as before.
authorities()
if hasattr(http_context, "_create_ssl_context"):
    http_context._create_ssl_context()  # noqa: SLF001
