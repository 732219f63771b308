"""Creating every table on a PostgreSQL of one's own."""

from agent_runtime.storage.schema.check import check_schema
from agent_runtime.storage.schema.development import create_schema
from agent_runtime.storage.schema.migrations import postgres_transaction


def test_an_empty_database_gets_every_table_and_a_second_run_changes_nothing(
    empty_postgres: str,
) -> None:
    """The check finds no difference after one run, nor after a second."""
    for _ in range(2):
        assert create_schema(empty_postgres) == []
        assert check_schema(empty_postgres) == []


def test_a_database_with_some_of_the_shared_tables_is_left_alone(empty_postgres: str) -> None:
    """Another tool makes its tables: the missing ones are named, and no table is added."""
    with postgres_transaction(empty_postgres) as database:
        database.execute_sql("CREATE TABLE users (id serial PRIMARY KEY)")
    missing = create_schema(empty_postgres)
    assert "tenants" in missing
    assert "users" not in missing
    with postgres_transaction(empty_postgres) as database:
        assert database.get_tables() == ["users"]
