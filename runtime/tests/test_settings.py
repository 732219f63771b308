"""Settings: the names of the Node.js version, all problems at once, secrets never shown."""

from pathlib import Path

import pytest

from agent_runtime.settings import HIDDEN, Settings, SettingsError

ROOT = Path(__file__).parents[2]


def test_defaults_need_no_environment() -> None:
    """An empty environment gives SQLite, port 8080 and the documented models."""
    settings = Settings.load({})
    assert settings.database.url == "sqlite:///agent-runtime.sqlite3"
    assert settings.api.port == 8080
    assert settings.worker.health_port == 8081
    assert settings.worker.idle_processes == 3
    variables = settings.variables()
    assert (variables["STT_MODEL"], variables["LLM_MODEL"]) == ("nova-3", "gpt-4o-mini")


def test_environment_wins_over_file(tmp_path: Path) -> None:
    """A variable in the environment beats the same one in .env; an empty one does not."""
    env_file = tmp_path / ".env"
    env_file.write_text("PORT=9000\nLOG_LEVEL=debug\n")
    settings = Settings.load({"PORT": "9001", "LOG_LEVEL": ""}, env_file=env_file)
    assert settings.api.port == 9001
    assert settings.log.level == "DEBUG"


@pytest.mark.parametrize(
    ("given", "level"),
    [
        ("warn", "WARNING"),
        ("fatal", "CRITICAL"),
        ("Trace", "DEBUG"),
        ("verbose", "DEBUG"),
        ("err", "ERROR"),
        (" info\n", "INFO"),
    ],
)
def test_levels_have_the_names_of_other_loggers(given: str, level: str) -> None:
    """LOG_LEVEL takes the names that pino, the logger of the Node.js version, has for its levels."""
    assert Settings.load({"LOG_LEVEL": given}).log.level == level


def test_all_problems_are_reported_at_once() -> None:
    """Three invalid variables and a missing one give four lines, each with the variable's name."""
    with pytest.raises(SettingsError) as caught:
        Settings.load(
            {"PORT": "eighty", "LIVEKIT_URL": "ftp://x", "MAX_SESSIONS_PER_AGENT": "0"},
            needs=["LIVEKIT_API_KEY"],
        )
    names = {problem.split(":")[0] for problem in caught.value.problems}
    assert names == {"PORT", "LIVEKIT_URL", "MAX_SESSIONS_PER_AGENT", "LIVEKIT_API_KEY"}


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"LIVEKIT_API_KEY": "k"}, "LIVEKIT_API_SECRET"),
        ({"LANGFUSE_ENABLED": "true"}, "LANGFUSE_PUBLIC_KEY"),
        ({"DATABASE_URL": "mysql://h/x"}, "postgresql://"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL"),
    ],
)
def test_contradictions_are_refused(environ: dict[str, str], named: str) -> None:
    """Settings that cannot work together are refused at start, with the remedy."""
    with pytest.raises(SettingsError, match=named):
        Settings.load(environ)


def test_secrets_are_never_shown() -> None:
    """Neither `config show` nor an error prints a key or a password."""
    settings = Settings.load(
        {
            "AGENT_RUNTIME_API_KEY": "s3cret",
            "DATABASE_URL": "postgresql://u:s3cret@h/db",
            "LIVEKIT_API_KEY": "key",
            "LIVEKIT_API_SECRET": "s3cret",
        }
    )
    shown = settings.variables()
    assert "s3cret" not in str(shown)
    assert shown["AGENT_RUNTIME_API_KEY"] == HIDDEN
    assert shown["DATABASE_URL"] == f"postgresql://u:{HIDDEN}@h/db"
    with pytest.raises(SettingsError) as caught:
        Settings.load({"DATABASE_URL": "mysql://u:s3cret@h/db"})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("sign", "#?/[]@:")
def test_a_password_with_a_sign_in_it_is_not_shown(sign: str) -> None:
    """A URL whose password has a special character is often malformed; the error holds no part of it."""
    url = f"postgresql://u:s3c{sign}ret@h:5432/db"
    try:
        output = str(Settings.load({"DATABASE_URL": url}).variables())
    except SettingsError as error:
        output = str(error)
        assert "%2F" in output
    assert "s3c" not in output
    assert "ret@" not in output


def test_variables_without_effect_are_known() -> None:
    """`config show` can mark the variables that no code acts on, and .env.example says so."""
    without = Settings.load({}).without_effect()
    assert without == {
        "LANGFUSE_ENABLED",
        "LANGFUSE_PUBLIC_KEY",
        "LANGFUSE_SECRET_KEY",
        "LANGFUSE_BASE_URL",
    }
    example = (ROOT / ".env.example").read_text("utf-8")
    assert (
        "Nothing acts on th" in example[: example.index("LANGFUSE_ENABLED=")].rpartition("\n\n")[2]
    )


def test_example_file_names_every_variable() -> None:
    """.env.example explains every variable that is read, holds the defaults, and no other name."""
    from dotenv import dotenv_values

    example = dotenv_values(ROOT / ".env.example")
    defaults = Settings.load({}).variables()
    assert example == {
        **defaults,
        **{name: "" for name, value in defaults.items() if value == HIDDEN},
    }
