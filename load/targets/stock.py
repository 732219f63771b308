"""An unmodified livekit-agents worker with its defaults: `python -m load.targets.stock start`.

It uses the same plugins and the same providers, by the same variables as ours; nothing else is set.
"""

from __future__ import annotations

import os
from typing import Final

from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli
from livekit.plugins import cartesia, deepgram, openai

from fixtures.agents import sample_agent

NAME: Final = "stock"
SAMPLE: Final = "receptionist"

# Only host and port differ from the defaults, since several workers share this machine.
server = AgentServer(host="127.0.0.1", port=int(os.environ.get("STOCK_HEALTH_PORT", "8081")))


@server.rtc_session(agent_name=NAME)
async def talk(ctx: JobContext) -> None:
    """Run a call as LiveKit's quick start does."""
    agent = sample_agent(SAMPLE)
    session: AgentSession[None] = AgentSession(
        stt=deepgram.STT(base_url=os.environ["DEEPGRAM_BASE_URL"]),
        llm=openai.LLM(base_url=os.environ["OPENAI_BASE_URL"]),
        tts=cartesia.TTS(base_url=os.environ["CARTESIA_BASE_URL"]),
    )
    await session.start(agent=Agent(instructions=agent["systemPrompt"]), room=ctx.room)
    await ctx.connect()
    session.say(agent["initialGreeting"])


if __name__ == "__main__":
    cli.run_app(server)
