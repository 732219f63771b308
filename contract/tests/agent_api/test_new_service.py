"""Faults of our API as the gate brings them about and repairs them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from contract.agent_api.profile import PROFILE
from contract.agent_api.services.databases import Database, database
from contract.agent_api.services.livekit_recorder import LiveKitRecorder
from contract.agent_api.services.new_service import NewService


@dataclass
class Journal:
    """The actions on a database, in order."""

    actions: list[str] = field(default_factory=list)

    def database(self) -> Database:
        """A database that only writes down what happens to it."""

        async def prepare(_environ: object) -> None:
            self.actions.append("prepare")

        changes = ("database-away", "database-back", "database-broken", "database-mended")
        return Database(
            "sqlite:///none",
            prepare,
            lambda: self.actions.append("empty"),
            {name: lambda name=name: self.actions.append(name) for name in changes},  # type: ignore[misc]
        )


@pytest.fixture
def journal() -> Journal:
    """An empty journal."""
    return Journal()


@pytest.fixture
def service(journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NewService:
    """Our API without its process."""
    monkeypatch.setattr(NewService, "_start", lambda _: journal.actions.append("start"))
    return NewService(
        journal.database(), LiveKitRecorder(), tmp_path / "log", PROFILE.faults, port=1
    )


async def test_faults_and_repairs_can_be_repeated(service: NewService, journal: Journal) -> None:
    """A shortest replay may hold a repair without its fault, or a fault twice: neither does harm."""
    target = service.target("new")
    for change in ("database-back", "database-away", "database-away", "database-back"):
        await target.change(change)
    assert journal.actions == ["database-away", "database-back"]


async def test_a_reset_repairs_first(service: NewService, journal: Journal) -> None:
    """A replay that ended amid faults leaves none to the next one, nor a service that is down."""
    target = service.target("new")
    await target.change("database-broken")
    await target.reset()
    assert journal.actions == ["database-broken", "database-mended", "prepare", "start", "empty"]


async def test_livekit_goes_and_comes_back(service: NewService) -> None:
    """LiveKit is away until its repair, which listens on the same port again."""
    await service.livekit.start()
    port = service.livekit.port
    target = service.target("new")
    await target.change("livekit-away")
    assert service.livekit._runner is None
    await target.change("livekit-back")
    assert service.livekit.port == port
    await target.change("livekit-back")
    await service.livekit.stop()


def test_every_fault_of_the_profile_has_hooks(service: NewService) -> None:
    """A fault of openapi.yaml that nothing brings about would never be tested."""
    target = service.target("new")
    assert all(map(target.can, (*PROFILE.faults.keys(), *PROFILE.faults.values(), "restart")))


def test_the_faults_of_sqlite_break_and_mend_real_tables(tmp_path: Path) -> None:
    """Away renames all tables, broken a column; the repairs undo both, and empty keeps the schema."""
    import sqlite3
    from contextlib import closing

    del tmp_path
    with database("sqlite") as found:
        path = found.url.removeprefix("sqlite:///")

        def ask(statement: str) -> list[tuple[object, ...]]:
            with closing(sqlite3.connect(path)) as connection:
                rows = connection.execute(statement).fetchall()
                connection.commit()
            return rows

        ask("CREATE TABLE runtime_registrations (agent_id INTEGER)")
        ask("CREATE TABLE agent_instance_sessions (session_id TEXT)")
        ask("CREATE TABLE runtime_schema_version (version INTEGER)")
        ask("INSERT INTO runtime_registrations VALUES (7)")
        ask("INSERT INTO runtime_schema_version VALUES (1)")
        for fault, repair in (
            ("database-away", "database-back"),
            ("database-broken", "database-mended"),
        ):
            found.changes[fault]()
            with pytest.raises(sqlite3.OperationalError, match="no such"):
                ask("SELECT agent_id FROM runtime_registrations")
            found.changes[repair]()
            assert ask("SELECT agent_id FROM runtime_registrations") == [(7,)]
        found.empty()
        assert ask("SELECT agent_id FROM runtime_registrations") == []
        assert ask("SELECT version FROM runtime_schema_version") == [(1,)]
