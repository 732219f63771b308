"""Preloads in the fork server what every job would otherwise load at its start.

Importing this module takes a tenth of a second. A job that inherits it starts that much sooner, and leaves
the CPU to other calls.
"""

from __future__ import annotations

# Modules that LiveKit and the HTTP client import only at their first use: the client's event loop, the
# agent's tools, the report at a call's end, the rate of speech for captions, the list of models with which
# the connection to the language model is opened.
import anyio._backends._asyncio  # noqa: F401
import livekit.agents.llm.async_toolset
import livekit.agents.voice.report  # noqa: F401
import numpy.fft  # noqa: F401
import openai.resources.models  # noqa: F401
from livekit.agents.tokenize import basic
from livekit.agents.utils import http_context
from openai.types.chat import ChatCompletionChunk

# The language of templates: loading it takes ten times as long as filling one.
import agent_runtime.text.variables.language
import agent_runtime.text.variables.render  # noqa: F401
from agent_runtime.egress.tls import authorities
from agent_runtime.settings.providers import provider_settings

# Reads the patterns of the hyphenation dictionary, otherwise at the first word of a call.
basic.hyphenate_word("warm")
# Parses all certificate authorities, for the language model's client and for the HTTP sessions of all
# plugins. LiveKit caches its own per process but has no public way to build them early; if its private
# function is gone, each job builds them itself.
authorities()
if hasattr(http_context, "_create_ssl_context"):
    http_context._create_ssl_context()  # noqa: SLF001
# Reads the providers' specs, and builds the class of their settings.
provider_settings()
# Builds the types of a streamed answer's chunks, for the first of which a caller waits.
ChatCompletionChunk.construct(choices=[{"index": 0, "delta": {"content": "warm"}}])
