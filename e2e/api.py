"""The HTTP API as its clients use it."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp


class ApiError(Exception):
    """An answer other than 2xx, with its status and its `error` text."""

    def __init__(self, status: int, error: str, retry_after: str | None = None) -> None:
        super().__init__(f"{status}: {error}")
        self.retry_after = retry_after
        self.status = status
        self.error = error


class Api:
    """A client of a running API; an asynchronous context manager."""

    def __init__(self, base_url: str, api_key: str) -> None:
        self._http = aiohttp.ClientSession(
            base_url,
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            # A call lasts for about as long as servers keep idle connections: a POST on one that is just
            # being closed would fail, and no client may send it again by itself.
            connector=aiohttp.TCPConnector(force_close=True),
        )

    async def __aenter__(self) -> Self:
        """Nothing is opened before the first request."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._http.close()

    async def register(self, agent_id: int, config: Mapping[str, Any], tenant_id: int = 1) -> None:
        """Register an agent as the builder does."""
        body = {"agentId": agent_id, "tenantId": tenant_id, "config": dict(config)}
        await self._call("POST", "/api/agents/register", body)

    async def unregister(self, agent_id: int) -> None:
        """Delete an agent."""
        await self._call("DELETE", f"/api/agents/{agent_id}")

    async def agent(self, agent_id: int) -> dict[str, Any]:
        """The agent's status."""
        return await self._call("GET", f"/api/agents/{agent_id}")

    async def create(self, agent_id: int, room_name: str, tenant_id: int = 1) -> str:
        """Create a session; returns its id."""
        body = {"agentId": agent_id, "tenantId": tenant_id, "roomName": room_name}
        answer = await self._call("POST", "/api/sessions/create", body)
        return str(answer["session"]["sessionId"])

    async def session(self, session_id: str) -> dict[str, Any]:
        """The session as the API tells it."""
        return await self._call("GET", f"/api/sessions/{session_id}")

    async def end(self, session_id: str) -> None:
        """End a session."""
        await self._call("POST", f"/api/sessions/{session_id}/end")

    async def session_metrics(self, session_id: str) -> dict[str, Any]:
        """The session's figures."""
        return await self._call("GET", f"/api/metrics/session/{session_id}")

    async def agent_metrics(self, agent_id: int) -> dict[str, Any]:
        """The agent's figures."""
        return await self._call("GET", f"/api/metrics/agent/{agent_id}")

    async def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        async with self._http.request(method, path, json=body) as response:
            answer: dict[str, Any] = await response.json()
            if not response.ok:
                raise ApiError(
                    response.status,
                    str(answer.get("error", answer)),
                    response.headers.get("Retry-After"),
                )
            return answer
