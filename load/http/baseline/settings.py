"""The baseline's settings, with the same names as our API's."""

from __future__ import annotations

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """Settings read from the environment."""

    host: str = "127.0.0.1"
    port: int = 8080
    database_url: str
    livekit_url: str
    livekit_api_key: str
    livekit_api_secret: str
    agent_runtime_api_key: str

    @property
    def async_database_url(self) -> str:
        """The database URL for SQLAlchemy with asyncpg."""
        return self.database_url.replace("postgresql://", "postgresql+asyncpg://", 1)
