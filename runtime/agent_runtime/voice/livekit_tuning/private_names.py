"""Every private name of LiveKit's packages that the runtime uses.

Private names change without notice. Before upgrading LiveKit, check each entry; delete it, and what it
lists, if its `drop_when` holds. A test compares this table with the source, in both directions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class PrivateUse:
    """The private names that one module uses for one reason.

    `module` is relative to `agent_runtime`. A name is written as it is imported or accessed there; an
    attribute of `self` is named after the LiveKit class that it comes from.
    """

    module: str
    names: tuple[str, ...]
    why: str
    drop_when: str


PRIVATE_USES: Final = (
    PrivateUse(
        "voice.livekit_tuning.ffi",
        (
            "livekit.rtc._ffi_client.FfiClient",
            "livekit.rtc._ffi_client.ffi_event_callback",
            "livekit.rtc._proto.ffi_pb2.FfiEvent",
            "FfiClient.instance._ffi_lib",
        ),
        why="initialises the native client again, with its own log and threads that keep their state",
        drop_when="livekit.rtc offers both, or does them itself",
    ),
    PrivateUse(
        "voice.livekit_tuning.audio_sources",
        ("room_input._accepted_sources",),
        why="hears a caller whose only sound is a track of unknown source",
        drop_when="AudioInputOptions has the sources, or the framework takes such a track itself",
    ),
    PrivateUse(
        "voice.livekit_tuning.transcripts",
        (
            "livekit.agents.voice.room_io._output",
            "_output._legacy_transcription_needed",
        ),
        why="sends each transcript once, as a text stream, and not as the older packet as well",
        drop_when="the framework has an option for it, or sends no packet any more",
    ),
    PrivateUse(
        "voice.livekit_tuning.preload",
        ("http_context._create_ssl_context",),
        why="parses the certificate authorities of the plugins' HTTP sessions before any call",
        drop_when="LiveKit's framework has a public way to build its SSL context early",
    ),
    PrivateUse(
        "voice.pipeline.noise",
        ("FrameProcessor._close", "FrameProcessor._process"),
        why="is a processor of frames, as the framework requires: any implementation has these names",
        drop_when="FrameProcessor has a public interface for implementations",
    ),
    PrivateUse(
        "voice.turns.endpointing",
        ("livekit.agents.voice.turn._StreamingTurnDetectorStream",),
        why="wraps the stream of a turn detector, whose type has no public name",
        drop_when="the type is public, or the framework grades the wait by the detector's probability",
    ),
    PrivateUse(
        "voice.turns.vad",
        (
            "VADStream._check_not_closed",
            "VADStream._event_ch",
            "VADStream._main_task",
            "VADStream._task",
        ),
        why="filters another stream's events, without the tasks and metrics of a stream of its own",
        drop_when="VADStream can wrap another stream at no cost",
    ),
    PrivateUse(
        "text.chunker",
        (
            "SentenceStream._check_not_closed",
            "SentenceStream._do_close",
            "SentenceStream._event_ch",
        ),
        why="is a sentence stream, as plugins require: any implementation uses these names",
        drop_when="SentenceStream has a public interface for implementations",
    ),
    PrivateUse(
        "providers.deepgram.stream",
        (
            "STT._api_key",
            "STT._ensure_session",
            "STT._opts",
            "STT._sanitize_options",
            "STT._streams",
            "RecognizeStream._input_ch",
            "SpeechStream._CLOSE_MSG",
            "SpeechStream._FINALIZE_MSG",
            "SpeechStream._KEEPALIVE_MSG",
            "SpeechStream._audio_duration_collector",
            "SpeechStream._connect_ws",
            "SpeechStream._on_audio_duration_report",
            "SpeechStream._opts",
            "SpeechStream._process_stream_event",
            "SpeechStream._reconnect_event",
            "SpeechStream._reported_duration",
            "SpeechStream._run",
            "SpeechStream._session",
        ),
        why="sends audio every 20 ms, not 50: only the loop over one connection is written anew",
        drop_when="Deepgram's plugin has an option for the size of the audio it sends",
    ),
    PrivateUse(
        "providers.common.recognition",
        ("made._run", "made._input_ch", "made._task"),
        why="turns the end of a stream that still gets sound into an error, and ends one that will not end",
        drop_when="the framework treats a stream that ends before its input as failed; Python 3.11 is gone",
    ),
    PrivateUse(
        "providers.anthropic.plugin",
        ("client._custom_headers",),
        why="keeps the operator's headers from an agent's own address (a name of Anthropic's client)",
        drop_when="Anthropic's client can be built without reading the environment",
    ),
    PrivateUse(
        "providers.gemini.plugin",
        ("plugin._client",),
        why="gives the plugin a client with the worker's address, also for its first request",
        drop_when="google.LLM takes a client, or uses http_options for every request",
    ),
    PrivateUse(
        "providers.openai.plugin",
        ("plugin._session",),
        why="opens the socket of an agent's own address by a guarded session",
        drop_when="openai.STT takes an HTTP session",
    ),
)
