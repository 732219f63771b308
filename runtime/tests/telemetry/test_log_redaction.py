"""What a log line may hold: no secret, no words and numbers of callers, nothing that acts on a terminal."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path

import livekit.agents
import pytest

from agent_runtime.secrecy import known
from agent_runtime.secrecy.names import HIDDEN
from agent_runtime.telemetry.log_redaction import HideKnown, Redaction
from agent_runtime.telemetry.logs import add_log_context, configure_logging

logger = logging.getLogger("livekit.agents")


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(params=["json", "text"])
def log(request: pytest.FixtureRequest) -> io.StringIO:
    """What is logged, in either format, with one known secret."""
    stream = io.StringIO()
    configure_logging("DEBUG", request.param, stream, Redaction())
    return stream


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process knows one secret, and one that is too short to be looked for."""
    monkeypatch.setattr(known, "_known", [])
    known.remember(["the-platforms-key", "short"])


def test_personal_data_of_livekit_is_left_out(log: io.StringIO) -> None:
    """Whatever LiveKit marks with `pii` in a name is left out; the line and its other fields stay."""
    logger.warning(
        "skipped input",
        extra={"lk.pii.user_input": "my name is Zoe", "sip.pii.x": "Zoe", "language": "en"},
    )
    assert "Zoe" not in log.getvalue()
    assert "skipped input" in log.getvalue()
    assert "language" in log.getvalue()


def test_livekit_still_marks_personal_data_so() -> None:
    """Every field with a caller's words in the logs of livekit-agents has a name with `pii`."""
    folder = Path(livekit.agents.__file__).parent
    marked = sum(one.read_text().count('"lk.pii.') for one in folder.rglob("*.py"))
    assert marked > 40


def test_log_pii_keeps_it() -> None:
    """With LOG_PII words and numbers are there; secrets are not."""
    stream = io.StringIO()
    configure_logging("INFO", "json", stream, Redaction(pii=True))
    logger.info(
        "call of +15105550123 with the-platforms-key", extra={"lk.pii.user_input": "my name is Zoe"}
    )
    line = json.loads(stream.getvalue())
    assert line["lk.pii.user_input"] == "my name is Zoe"
    assert line["message"] == f"call of +15105550123 with {HIDDEN}"


@pytest.mark.parametrize(
    ("message", "extra"),
    [
        ("x", {"participant": "sip_+15105550123"}),
        ("x", {"participant": "+15105550123"}),
        ("x", {"sip.phoneNumber": "15105550123"}),
        ("x", {"room": "agent-7-room_+15105550123_aB3x"}),
        ("room agent-7-room_15105550123_aB3x is not closed", {}),
        ("x", {"attributes": {"sip.phoneNumber": "+15105550123"}}),
    ],
)
def test_telephone_numbers_are_cut(
    log: io.StringIO, message: str, extra: dict[str, object]
) -> None:
    """Neither a field nor a message nor an object in a field shows a caller's number."""

    def call() -> None:
        add_log_context(room="agent-7-room_+15105550123_aB3x")
        logger.info(message, extra=extra)

    copy_context().run(call)
    assert "510555" not in log.getvalue()
    assert "23" in log.getvalue()


@pytest.mark.parametrize(
    ("message", "extra"),
    [
        ("connect wss://h/rtc?access_token=S3CRET", {}),
        ("connect", {"url": "https://u:S3CRET@h/p"}),
        ("x", {"apiKey": "S3CRET"}),
        ("x", {"request": {"headers": {"xi-api-key": "S3CRET"}}}),
        ("x", {"config": [{"llmConfig": {"api_key": "S3CRET"}}]}),
        ("refused: key the-platforms-key", {"other": "the-platforms-key"}),
    ],
)
def test_secrets_are_hidden(log: io.StringIO, message: str, extra: dict[str, object]) -> None:
    """URLs, fields by their names, nested values, and known secrets wherever they stand, are hidden."""
    logger.info(message, extra=extra)
    assert "S3CRET" not in log.getvalue()
    assert "the-platforms-key" not in log.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        'null value\nDETAIL:  Failing row contains (7, 3, {"apiKey": "S3CRET"}).',
        "duplicate\nDETAIL:  Key (name)=(S3CRET) already exists.",
        "1 validation error\n  Input should be [type=string, input_value='S3CRET', input_type=str]",
        "message='bad', status_code=400, retryable=False, body={'error': 'I said S3CRET'}",
    ],
)
def test_an_error_of_a_library_quotes_no_value(log: io.StringIO, text: str) -> None:
    """Tracebacks of PostgreSQL, pydantic and providers stand without the values that they quote."""
    try:
        raise RuntimeError(text)
    except RuntimeError:
        logger.exception("failed: %s", text)
    assert "S3CRET" not in log.getvalue()
    assert "RuntimeError" in log.getvalue()


def test_no_text_can_forge_a_line(log: io.StringIO) -> None:
    """A line break, an escape or a mark of direction in a message, field or error stays in its place."""
    forged = "x\r\n2026-01-01 | ERROR | forged\x1b[2J\u202e\x9b\u2028y"
    try:
        raise ValueError(forged)
    except ValueError:
        logger.exception("room %s", forged, extra={"participant": forged})
    text = log.getvalue()
    assert not any(one in text for one in "\r\x1b\u202e\x9b\u2028")
    lines = text.splitlines()
    assert all(line.startswith(("    ", "{", "20")) for line in lines)
    assert sum("| ERROR | forged" in line and not line.startswith(" ") for line in lines) <= 1
    assert len([line for line in lines if not line.startswith("    ")]) == 1


def test_half_a_character_is_logged(log: io.StringIO) -> None:
    """A text with half of a surrogate pair does not break the log."""
    logger.info("x", extra={"participant": "a\ud800b"})
    assert "participant" in log.getvalue()
    log.getvalue().encode()


def test_a_job_hides_what_only_it_knows() -> None:
    """A record that goes to the worker holds no known secret: not in message, field or traceback."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(HideKnown())
    handler.setFormatter(logging.Formatter("%(message)s %(error)s"))
    job = logging.getLogger("job")
    job.addHandler(handler)
    error = RuntimeError("401: invalid key the-platforms-key")
    try:
        raise error
    except RuntimeError:
        job.exception("provider failed: %s", error, extra={"error": error})
    finally:
        job.removeHandler(handler)
    assert stream.getvalue().count(HIDDEN) == 3
    assert "the-platforms-key" not in stream.getvalue()


def test_the_traceback_of_a_job_stays_below_its_line() -> None:
    """A job's record comes with its traceback behind the message; in text it is indented."""
    stream = io.StringIO()
    configure_logging("INFO", "text", stream)
    record = logging.makeLogRecord(
        {"msg": "failed\nTraceback:\n  x", "exc_text": "Traceback:\n  x", "levelno": 40}
    )
    logging.getLogger().handle(record)
    assert [line[:6] for line in stream.getvalue().splitlines()[1:]] == ["    Tr", "      "]
