"""A sound while the agent thinks, so that a caller who waits knows that somebody is there."""

from __future__ import annotations

import asyncio
import logging
from array import array
from importlib.resources import as_file, files
from typing import Any, Final

from livekit.agents import AgentSession, AgentStateChangedEvent

from agent_runtime.agents.calls.limits import ThinkingSound
from agent_runtime.voice.call.outcome import Outcome
from agent_runtime.voice.pipeline.audio_output import RATE, TrackAudioOutput

logger = logging.getLogger(__name__)

# Seconds from the end of the caller's turn to the sound: most answers begin sooner.
DELAY: Final = 0.4
# Seconds of a clip that are played, over and over.
LONGEST: Final = 10
# The clips that LiveKit's package has, and how loud they are played.
_CLIPS: Final = {
    ThinkingSound.KEYBOARD: ("keyboard-typing.ogg", 0.5),
    ThinkingSound.MUSIC: ("hold_music.ogg", 0.3),
}


class ThinkingSoundPlayer:
    """Plays the clip on the agent's own track, which plays it only while no speech is there."""

    def __init__(self, sound: ThinkingSound, output: TrackAudioOutput) -> None:
        self._sound = sound
        self._output = output
        self._clip = b""
        self._timer: asyncio.TimerHandle | None = None
        self._loading: asyncio.Task[None] | None = None

    def listen_to(self, session: AgentSession[Any]) -> None:
        """Load the clip while the caller is greeted, and play it from now on."""
        self._loading = asyncio.create_task(self._load())
        session.on("agent_state_changed", self._on_agent)

    async def close(self, _outcome: Outcome, /) -> None:
        """Stop."""
        self._stop()
        if self._loading is not None:
            self._loading.cancel()

    def _on_agent(self, event: AgentStateChangedEvent) -> None:
        self._stop()
        if event.new_state == "thinking":
            self._timer = asyncio.get_running_loop().call_later(DELAY, self._play)

    def _play(self) -> None:
        if self._clip:
            self._output.fill(self._clip)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._output.stop_filling()

    async def _load(self) -> None:
        from livekit.agents.utils.audio import audio_frames_from_file

        name, volume = _CLIPS[self._sound]
        samples = array("h")
        with as_file(files("livekit.agents.resources") / name) as path:
            async for frame in audio_frames_from_file(str(path), sample_rate=RATE):
                samples.frombytes(frame.data.tobytes())
                if len(samples) >= LONGEST * RATE:
                    break
        self._clip = array("h", (int(sample * volume) for sample in samples)).tobytes()
