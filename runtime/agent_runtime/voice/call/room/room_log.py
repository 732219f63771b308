"""Logs what happens in the room; the job's log context adds the room's name to every line."""

from __future__ import annotations

import logging

from livekit import rtc

logger = logging.getLogger(__name__)

_REASONS = rtc.DisconnectReason
# Reasons for which the connection is lost against everybody's will, after LiveKit's client gave up to
# restore it.
LOST_CONNECTION = frozenset(
    {
        _REASONS.UNKNOWN_REASON,
        _REASONS.SERVER_SHUTDOWN,
        _REASONS.STATE_MISMATCH,
        _REASONS.JOIN_FAILURE,
        _REASONS.MIGRATION,
        _REASONS.SIGNAL_CLOSE,
        _REASONS.CONNECTION_TIMEOUT,
        _REASONS.MEDIA_FAILURE,
        _REASONS.DUPLICATE_IDENTITY,  # another job joined in our place
    }
)


def disconnect_reason(reason: int | None) -> str:
    """LiveKit's word for the reason why a participant left, in lower case."""
    if reason is None:
        return "unknown"
    return str(rtc.DisconnectReason.Name(reason)).lower()  # type: ignore[arg-type]


def _source(publication: rtc.TrackPublication) -> str:
    name = str(rtc.TrackSource.Name(publication.source))
    return name.removeprefix("SOURCE_").lower()


def log_room_events(room: rtc.Room) -> None:
    """Log participants that come and go, and their tracks, for as long as the room is connected."""

    def on_participant_connected(participant: rtc.RemoteParticipant) -> None:
        logger.info("participant connected", extra={"participant": participant.identity})

    def on_participant_disconnected(participant: rtc.RemoteParticipant) -> None:
        reason = disconnect_reason(participant.disconnect_reason)
        logger.info(
            "participant disconnected",
            extra={"participant": participant.identity, "reason": reason},
        )

    def on_track_published(
        publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        logger.info(
            "track published",
            extra={"participant": participant.identity, "source": _source(publication)},
        )

    def on_track_unpublished(
        publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        logger.info(
            "track unpublished",
            extra={"participant": participant.identity, "source": _source(publication)},
        )

    def on_disconnected(reason: int) -> None:
        logger.info("room disconnected", extra={"reason": disconnect_reason(reason)})

    room.on("participant_connected", on_participant_connected)
    room.on("participant_disconnected", on_participant_disconnected)
    room.on("track_published", on_track_published)
    room.on("track_unpublished", on_track_unpublished)
    room.on("disconnected", on_disconnected)
