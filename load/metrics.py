"""The metrics of a run, which are entries of Locust's statistics; `docs/latency.md` defines each."""

from __future__ import annotations

from enum import StrEnum


class Metric(StrEnum):
    """Names of metrics in statistics, results and thresholds; all are milliseconds."""

    CREATE = "create"
    JOIN = "join"
    AGENT = "agent in the room"
    FIRST_AUDIO = "first audio"
    GREETING = "greeting"
    VOICE_TO_VOICE = "voice to voice"
    FIRST_TURN = "voice to voice, first turn"
    BARGE_IN = "barge-in"
    TALKED_ON = "talked on over a murmur"
    SILENCE = "silence kept"
    ANSWER = "answer"
    GAP = "gap in the sound"
    CALL = "call"
    # The runtime's own metrics: means over a call, from its row in session_metrics or from the API.
    RUNTIME_STT = "runtime: stt"
    RUNTIME_END_OF_TURN = "runtime: end of turn"
    RUNTIME_LLM = "runtime: llm first token"
    RUNTIME_TTS = "runtime: tts first byte"
    RUNTIME_RESPONSE = "runtime: response"
    # The parts of a turn as the providers' stand-ins saw them, in the order of a turn.
    WIRE_STT = "wire: speech to transcript"
    WIRE_REQUEST = "wire: transcript to LLM"
    WIRE_LLM = "wire: llm first token"
    WIRE_TEXT = "wire: first token to TTS"
    WIRE_TTS = "wire: tts first byte"
    WIRE_TRANSPORT = "wire: transport to the ear"
    OVERHEAD = "overhead over the providers"


WIRE: tuple[Metric, ...] = (
    Metric.WIRE_STT,
    Metric.WIRE_REQUEST,
    Metric.WIRE_LLM,
    Metric.WIRE_TEXT,
    Metric.WIRE_TTS,
    Metric.WIRE_TRANSPORT,
)
