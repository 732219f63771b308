"""Reading URLs: one usual spelling, and whatever clients disagree on is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime.egress.urls import EgressRefused, read

LISTEN = "/v1/listen"


@pytest.mark.parametrize(
    ("given", "path", "url"),
    [
        ("https://api.eu.deepgram.com", LISTEN, "https://api.eu.deepgram.com/v1/listen"),
        ("https://api.eu.deepgram.com/", LISTEN, "https://api.eu.deepgram.com/v1/listen"),
        ("https://api.eu.deepgram.com/v1", LISTEN, "https://api.eu.deepgram.com/v1/listen"),
        ("https://api.eu.deepgram.com/v1/listen/", LISTEN, "https://api.eu.deepgram.com/v1/listen"),
        ("https://proxy.example/deepgram", LISTEN, "https://proxy.example/deepgram"),
        ("https://llm.example", "/v1", "https://llm.example/v1"),
        (" https://x.example \n", "/v1", "https://x.example/v1"),
        ("https://x.example", "", "https://x.example"),
        ("HTTPS://API.Example.COM./v1", "/v1", "https://api.example.com/v1"),
        ("https://x.example:443/v1", "/v1", "https://x.example/v1"),
        ("https://x.example:8443", "/v1", "https://x.example:8443/v1"),
        ("https://[2606:4700:0:0::1]/v1", "/v1", "https://[2606:4700::1]/v1"),
        ("https://bücher.example/v1", "/v1", "https://xn--bcher-kva.example/v1"),
        ("https://\uff11\uff12\uff17.\uff10.\uff10.\uff11/v1", "/v1", "https://127.0.0.1/v1"),
        ("https://ⓛocalhost/v1", "/v1", "https://localhost/v1"),
        ("https://my_service/v1", "/v1", "https://my_service/v1"),
    ],
)  # fmt: skip
def test_a_url_is_put_together_again_in_its_usual_spelling(given: str, path: str, url: str) -> None:
    """Blanks go, scheme and host become small ASCII, a path that is only begun is completed."""
    assert read(given, path=path).url == url


@pytest.mark.parametrize(
    "url",
    [
        "vllm:8000/v1", "file:///etc/passwd", "ftp://x.example", "gopher://x.example", "//x.example",
        "x.example/v1", "https:x.example", "https:/x.example", "https://", "https:///v1", "https://:443/",
        "https://user:s3cret@x.example", "https://s3cret@x.example", "https://x.example@s3cret.example",
        "https://x.example#@s3cret.example", "https://x.example?s3cret=1", "https://x.example/v1#s3cret",
        "https://x.example\\@s3cret.example", "https://x.ex\tample", "https://x.exa\nmple", "https://a b/",
        "https://x.example:0", "https://x.example:65536", "https://x.example:99999", "https://x.example:",
        "https://x.example:8a", "https://x..example", "https://x.example..", "https://-x.example",
        "https://2130706433", "https://127.1", "https://0x7f.0.0.1", "https://0177.0.0.1", "https://0x7f000001",
        "https://127.0.0.1.5", "https://127.0.0.01", "https://[::1", "https://::1", "https://[fe80::1%25eth0]",
        "https://[fe80::1%eth0]", "https://[127.0.0.1]", "https://%6c%6f%63%61%6c", "https://x.example/v\u00fc",
        "https://" + "a" * 64 + ".example", "https://x.example/" + "a" * 3000, "javascript://x.example",
        "https://x.example\uff20s3cret.example",
    ],
)  # fmt: skip
def test_an_unusual_spelling_is_refused_without_quoting_it(url: str) -> None:
    """What clients read differently, or what may hold a secret, is refused, and no part is repeated."""
    with pytest.raises(EgressRefused) as refused:
        read(url)
    assert "s3cret" not in str(refused.value)
    assert "must" in str(refused.value)


@given(st.text())
def test_any_text_is_a_target_or_refused(text: str) -> None:
    """No text, whole or as an authority, makes the reader fail; what it accepts it reads again alike."""
    for url in (text, f"https://{text}", f"https://{text}.example/{text}"):
        try:
            target = read(url)
        except EgressRefused:
            continue
        assert read(target.url) == target
