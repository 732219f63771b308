"""The baseline's tables: registered agents, and sessions with the columns of the shared schema."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Base class of the tables."""


class Registration(Base):
    """A registered agent."""

    __tablename__ = "registrations"

    agent_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tenant_id: Mapped[int]
    config: Mapped[dict[str, Any]] = mapped_column(JSON)
    max_sessions: Mapped[int]


class Session(Base):
    """A session. Times are UTC, without a time zone."""

    __tablename__ = "agent_instance_sessions"
    __table_args__ = (Index("sessions_of_agent", "agent_id", "status"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    agent_id: Mapped[int]
    tenant_id: Mapped[int]
    session_id: Mapped[str] = mapped_column(unique=True)
    room_name: Mapped[str]
    status: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    duration_seconds: Mapped[int | None]
    participant_count: Mapped[int] = mapped_column(default=0)
    details: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSON)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
