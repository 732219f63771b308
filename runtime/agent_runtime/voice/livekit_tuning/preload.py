"""What each call would load or build at its start; the process that jobs are forked from does it once.

Importing this module takes a tenth of a second. A job that inherits it begins that much sooner, and the
processor that other calls need is left to them.
"""

from __future__ import annotations

# What is imported only when it is used first: the HTTP client's event loop, the agent's tools, the pace of
# its speech for captions, the report of a call's end, the list of models that opens the connection.
import anyio._backends._asyncio  # noqa: F401
import livekit.agents.llm.async_toolset
import livekit.agents.voice.report  # noqa: F401
import numpy.fft  # noqa: F401
import openai.resources.models  # noqa: F401
from livekit.agents.tokenize import basic
from livekit.agents.utils import http_context
from openai.types.chat import ChatCompletionChunk

from agent_runtime.providers.openai.plugin import authorities

# Reads the patterns of its dictionary, at the first word of a call otherwise.
basic.hyphenate_word("warm")
# Parses all certificate authorities, for the language model's client and for the sessions of all plugins.
# The framework keeps its own for a process but has no public way to have it early; where this one is gone
# each job does it, as before.
authorities()
if hasattr(http_context, "_create_ssl_context"):
    http_context._create_ssl_context()  # noqa: SLF001
# Builds the types of an answer's pieces, the first of which a caller waits for.
ChatCompletionChunk.construct(choices=[{"index": 0, "delta": {"content": "warm"}}])
