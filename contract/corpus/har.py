"""HAR 1.2 files that keep the exact bytes of requests.

Bodies that are not UTF-8 are base64 with `encoding`, as the format has it for answers. Our own fields
begin with an underscore, as the format demands.
"""

from __future__ import annotations

import base64
from typing import Any, Final

from contract.http.messages import Answer, Headers, Request

Entry = dict[str, Any]
CREATOR: Final = {"name": "agent-runtime parity gate", "version": "1"}
# A page with a stack trace shows paths of the recording machine.
_LEFT_OUT: Final = "an HTML page is not kept: its stack trace names the recording machine's paths"


def log(entries: list[Entry]) -> Entry:
    """A whole HAR document."""
    return {"log": {"version": "1.2", "creator": CREATOR, "entries": entries}}


def entry_of(request: Request, answer: Answer) -> Entry:
    """One request with its answer."""
    found: Entry = {
        "startedDateTime": "1970-01-01T00:00:00.000Z",
        "time": 0,
        "request": {
            "method": request.method,
            "url": f"http://recorded{request.target}",
            "httpVersion": "HTTP/1.1",
            "headers": _pairs(request.headers),
            "queryString": [],
            "cookies": [],
            "headersSize": -1,
            "bodySize": len(request.body),
        },
        "response": {
            "status": answer.status,
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "headers": [],
            "cookies": [],
            "content": _content(answer),
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
    }
    if request.body:
        content_type = request.header("content-type") or ""
        found["request"]["postData"] = {"mimeType": content_type, **_encoded(request.body)}
    return found


def request_of(entry: Entry) -> Request:
    """The request of an entry. Raises KeyError or ValueError when the entry has another form."""
    sent = entry["request"]
    headers = tuple((item["name"], item["value"]) for item in sent["headers"])
    target = sent["url"].removeprefix("http://recorded")
    return Request(sent["method"], target, headers, _decoded(sent.get("postData", {"text": ""})))


def answer_of(entry: Entry) -> Answer:
    """The recorded part of an entry's answer: status, content type and body."""
    got = entry["response"]
    content_type = got["content"]["mimeType"]
    headers = (("Content-Type", content_type),) if content_type else ()
    return Answer(got["status"], headers, _decoded(got["content"]))


def _pairs(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers if name.lower() != "host"]


def _content(answer: Answer) -> Entry:
    content_type = answer.header("content-type") or ""
    if content_type.startswith("text/html"):
        return {"size": -1, "mimeType": content_type, "text": "", "comment": _LEFT_OUT}
    return {"size": len(answer.body), "mimeType": content_type, **_encoded(answer.body)}


def _encoded(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode("ascii"), "encoding": "base64"}


def _decoded(content: Entry) -> bytes:
    text: str = content.get("text", "")
    return base64.b64decode(text) if content.get("encoding") == "base64" else text.encode("utf-8")
