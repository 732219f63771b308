"""Passwords and tokens in URLs are hidden, in well-formed and in malformed ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime.secrecy.names import HIDDEN
from agent_runtime.secrecy.urls import hide_in_text, hide_in_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:S@h:5/db", f"postgresql://u:{HIDDEN}@h:5/db"),
        (
            "postgresql://u@h/db?password=S&sslmode=require",
            f"postgresql://u@h/db?password={HIDDEN}&sslmode=require",
        ),
        ("https://h/p?api%5Fkey=S", f"https://h/p?api%5Fkey={HIDDEN}"),
        ("wss://h/p?x=1&access_token=S#top", f"wss://h/p?x=1&access_token={HIDDEN}#top"),
        ("https://h/p#token=S", f"https://h/p#token={HIDDEN}"),
        ("https://S@h/p", f"https://{HIDDEN}@h/p"),
        ("https://u:%53@h/p", f"https://u:{HIDDEN}@h/p"),
        ("postgresql://u:a/b?c#d@h/db", f"postgresql://u:{HIDDEN}@h/db"),
        ("postgresql://a/b:c@h/db", f"postgresql://{HIDDEN}:{HIDDEN}@h/db"),
        ("https://h/p?model=m", "https://h/p?model=m"),
        ("http://localhost:8000", "http://localhost:8000"),
    ],
)
def test_secrets_of_a_url_are_hidden(url: str, shown: str) -> None:
    """Password, token and secret parameters are hidden; the rest stays readable."""
    assert hide_in_url(url) == shown


SECRET = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=12
).map(lambda text: f"Zq{text}qZ")


@given(SECRET)
def test_no_part_of_a_password_is_shown(secret: str) -> None:
    """Whatever characters a password has, neither its beginning nor its end is shown."""
    shown = hide_in_url(f"postgresql://user:{secret}@host:5432/name")
    assert "Zq" not in shown
    assert "qZ" not in shown


def test_urls_in_a_text_are_found() -> None:
    """A message with two URLs keeps its words."""
    text = "cannot connect to wss://h/rtc?access_token=S or 'https://u:S@x': refused"
    assert hide_in_text(text) == (
        f"cannot connect to wss://h/rtc?access_token={HIDDEN} or 'https://u:{HIDDEN}@x': refused"
    )
