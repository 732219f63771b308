"""What a postgresql:// URL may hold, and that no message shows a part of a password."""

from __future__ import annotations

from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

from agent_runtime.settings import Settings, SettingsError
from agent_runtime.storage import open_database
from agent_runtime.storage.schema.migrations import migrate_postgres
from agent_runtime.storage.sql.postgres_url import read_postgres_url

BASE = "postgresql://u:p@h:5433/db"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://",
        "postgresql://h",
        "postgres://u@h/db",
        "postgresql://u:p%40%2F%3F%23@h:5433/a%20b",
        "postgresql:///db?host=/var/run/postgresql",
        "postgresql://%2Fvar%2Frun/db",
        "postgresql://u:p@[::1]:5433/db",
        "postgresql://u:p@h1:5433,h2:5434,h3/db?target_session_attrs=any",
        "postgresql://u:p@h/db?sslmode=verify-full&sslrootcert=/etc/ca.pem&connect_timeout=3",
        "postgresql://u:p@h/db?options=-c%20search_path%3Dours&application_name=x",
    ],
)
def test_urls_mean_what_libpq_takes_them_for(url: str) -> None:
    """The parameters are those that libpq's own parser finds, and the client's encoding is UTF-8."""
    wanted = {**parse_dsn(url), "client_encoding": "UTF8"}
    if wanted.get("port", "").endswith(","):  # libpq knows the port's default
        assert read_postgres_url(url).parameters["port"].split(",") == wanted["port"].split(",")
    assert read_postgres_url(url).parameters == wanted


@pytest.mark.parametrize(
    ("query", "prepare", "pool_size", "more"),
    [
        ("schema=public", None, None, {}),
        ("pgbouncer=true&connection_limit=1", False, 1, {}),
        ("pgbouncer=false", None, None, {}),
        ("sslmode=no-verify", None, None, {"sslmode": "require"}),
        ("ssl=true", None, None, {"sslmode": "require"}),
        ("ssl=false", None, None, {"sslmode": "disable"}),
        ("ssl=true&sslmode=verify-full", None, None, {"sslmode": "verify-full"}),
        ("sslmode=verify-full&ssl=true", None, None, {"sslmode": "verify-full"}),
        ("client_encoding=LATIN1", None, None, {}),
        ("", None, None, {}),
    ],
)
def test_parameters_of_other_clients_are_understood(
    query: str, prepare: bool | None, pool_size: int | None, more: dict[str, str]
) -> None:
    """Prisma's and node-postgres's parameters mean what they mean there."""
    found = read_postgres_url(f"{BASE}?{query}")
    assert (found.prepare, found.pool_size) == (prepare, pool_size)
    plain = read_postgres_url(BASE).parameters
    assert found.parameters == plain | more


def test_parameters_become_settings() -> None:
    """`pgbouncer` and `connection_limit` show as the settings that they mean, which they only lower."""
    url = f"{BASE}?pgbouncer=true&connection_limit=3"
    shown = Settings.load({"DATABASE_URL": url}).variables()
    assert (shown["DATABASE_PREPARE"], shown["DATABASE_POOL_SIZE"]) == ("false", "3")
    fewer = Settings.load({"DATABASE_URL": url, "DATABASE_POOL_SIZE": "2"})
    assert fewer.database.pool_size == 2


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("schema=theirs", "schema"),
        ("sslmode=on", "sslmode"),
        ("ssl=maybe", "ssl"),
        ("pgbouncer=2", "pgbouncer"),
        ("connection_limit=0", "connection_limit"),
        ("connection_limit=many", "connection_limit"),
        ("connect_timeout=soon", "connect_timeout"),
        ("keepalives_idle=x", "keepalives_idle"),
        ("target_session_attrs=master", "target_session_attrs"),
        ("sslaccept=strict", "sslaccept"),
        ("replication=database", "replication"),
        ("Schema=public", "Schema"),
    ],
)
def test_what_is_not_understood_is_one_line(query: str, named: str) -> None:
    """An unknown parameter or value is refused at start in one line: the variable and the parameter."""
    with pytest.raises(SettingsError) as caught:
        Settings.load({"DATABASE_URL": f"postgresql://u:s3cret@h/db?{query}"})
    (problem,) = caught.value.problems
    assert problem.startswith(f"DATABASE_URL: parameter {named}")
    assert "\n" not in problem
    assert "s3cret" not in problem


@pytest.mark.parametrize(
    "rest",
    [
        "u:s3c/ret@h:5432/db",
        "u:s3c?ret@h:5432/db",
        "u:5432/s3cret@h/db",
        "u:5432?s3cret@h/db",
        "u:5432?s3c=ret@h/db",
        "u:5432/db?s3cret",
        "u:s3c%zzret@h/db",
        "u:s3c%ff@h/db",
        "u:s3c%00@h/db",
        "u:s3cret",
        "u:s3cret/db",
        "u:p@h:s3cret/db",
        "u:p@h:99999/s3cret",
        "u:p@[h/s3cret",
        "u:p@a b/s3cret",
    ],
)
@pytest.mark.parametrize("form", ["postgresql://{}", "postgres://{}", "{}", "mysql://{}"])
def test_no_part_of_a_malformed_url_is_shown(rest: str, form: str) -> None:
    """A malformed URL is refused in one line with the remedy, of which no part may be the password."""
    with pytest.raises(SettingsError) as caught:
        Settings.load({"DATABASE_URL": form.format(rest)})
    (problem,) = caught.value.problems
    assert "\n" not in problem
    assert "postgresql://user:password@host" in problem
    for part in ("s3c", "ret@", "ret/"):
        assert part not in problem


@pytest.mark.parametrize("sign", ["#", "@", ":", "[", "]", "!", "$", "&", "=", " ", "é"])
def test_a_password_may_hold_signs_that_move_no_border(sign: str) -> None:
    """A password with such a sign is taken as it stands, and hidden."""
    url = f"postgresql://u:s3c{sign}ret@h:5432/db"
    assert read_postgres_url(url).parameters["password"] == f"s3c{sign}ret"
    shown = str(Settings.load({"DATABASE_URL": url}).variables())
    assert "s3c" not in shown
    assert "ret@" not in shown


def test_secrets_in_a_query_are_hidden() -> None:
    """`config show` hides passwords and tokens in the query of a URL."""
    shown = Settings.load(
        {
            "DATABASE_URL": "postgresql://u@h/db?password=s3cret&sslmode=require",
            "OPENAI_BASE_URL": "https://proxy.example/v1?api_key=s3cret&x=1",
        }
    ).variables()
    assert "s3cret" not in str(shown)
    assert shown["DATABASE_URL"].endswith("&sslmode=require")
    assert shown["OPENAI_BASE_URL"].endswith("&x=1")


@pytest.mark.parametrize("white", [" ", "\n", "\r\n", "\t"])
def test_white_space_around_a_value_does_not_count(white: str, tmp_path: Path) -> None:
    """A value that was read from a file ends with a line break, which is no part of the name."""
    settings = Settings.load({"DATABASE_URL": f"{white}{BASE}{white}"})
    assert settings.database.url == BASE
    file = tmp_path / "secret"
    file.write_text("sqlite:///x.sqlite3\n")
    assert Settings.load({"DATABASE_URL": file.read_text()}).database.url == "sqlite:///x.sqlite3"


async def test_the_server_of_a_cluster_that_takes_writes_is_found(postgres_url: str) -> None:
    """Of several hosts the first that is there serves; names are resolved, and db migrate works as well."""
    place = postgres_url.partition("@")[2] or postgres_url.partition("://")[2]
    user = f"{postgres_url.partition('://')[2].partition('@')[0]}@" if "@" in postgres_url else ""
    address, _, name = place.partition("/")
    port = address.rpartition(":")[2]
    url = f"postgresql://{user}nowhere.invalid:1,127.0.0.1:1,localhost:{port}/{name}"
    assert migrate_postgres(url) == []
    database = open_database(url)
    try:
        await database.check()
    finally:
        await database.close()
    assert psycopg2.__libpq_version__ >= 100000
