"""Languages are folded once, and hearing and speaking have languages of their own."""

from __future__ import annotations

import pytest

from agent_runtime.agents import parse_registered
from agent_runtime.agents.languages.codes import folded


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("en", "en"),
        ("EN", "en"),
        (" en-us ", "en-US"),
        ("zh_CN", "zh-CN"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("zh-cmn-Hans-CN", "zh-Hans-CN"),
        ("cmn", "zh"),
        ("chi", "zh"),
        ("zho", "zh"),
        ("cmn-Hans-CN", "zh-Hans-CN"),
        ("Chinese", "zh"),
        ("Mandarin", "zh"),
        ("yue", "yue"),
        ("jpn", "ja"),
        ("jp", "ja"),
        ("ger", "de"),
        ("deu", "de"),
        ("German", "de"),
        ("English (US)", "en-US"),
        ("Scottish Gaelic", "gd"),
        ("es-419", "es-419"),
        ("es-LATAM", "es-LATAM"),
        ("hi-Latn", "hi-Latn"),
        ("pt_BR.UTF-8", "pt-BR"),
        ("multi", "multi"),
        ("Auto", "multi"),
        ("es-ES", "es-ES"),
        ("iw", "he"),
        ("xx", "xx"),
        ("Klingon", "Klingon"),
        ("", ""),
    ],
)
def test_a_language_has_one_code(given: str, code: str) -> None:
    """Codes of any standard, separators, letter case and English names become one BCP 47 code."""
    assert folded(given) == code
    assert folded(code) == code


@pytest.mark.parametrize(
    ("config", "heard", "speaks"),
    [
        ({"languages": ["multi"]}, "multi", None),
        ({"languages": ["multi", "es"]}, "multi", "es"),
        ({"languages": ["zh_CN"]}, "zh-CN", "zh-CN"),
        ({"languages": ["jpn", "en"]}, "ja", "ja"),
        ({"languages": ["en"], "sttConfig": {"language": "Multi"}}, "multi", "en"),
        ({"languages": ["en"], "ttsConfig": {"language": "multi"}}, "en", "en"),
        ({"languages": ["en"], "ttsConfig": {"language": "French"}}, "en", "fr"),
        ({"languages": [""]}, None, None),
    ],
)
def test_nothing_is_spoken_in_the_language_of_recognition_alone(
    config: dict[str, object], heard: str | None, speaks: str | None
) -> None:
    """`multi` reaches speech recognition and never the voice."""
    agent = parse_registered(config)
    assert (agent.stt.language, agent.tts.language) == (heard, speaks)
