"""The methods that a path supports: OPTIONS lists them, any other method is 405."""

from __future__ import annotations

from typing import Any

from falcon import HTTPMethodNotAllowed, HTTPRouteNotFound
from falcon.asgi import Request, Response

from agent_runtime.api.http.framing.paths import has_encoded_slash, with_slashes


class Resource:
    """Base of all resources."""

    @classmethod
    def methods(cls) -> list[str]:
        """The supported methods other than OPTIONS, in alphabetical order."""
        return sorted(
            name.removeprefix("on_").upper()
            for name in dir(cls)
            if name.startswith("on_") and name != "on_options"
        )

    async def on_options(self, _req: Request, resp: Response, **_ids: str) -> None:
        """Respond with the methods, in the Allow header and as the body, in the form of Express."""
        resp.text = ",".join(self.methods())
        resp.set_header("Allow", resp.text)
        resp.content_type = "text/html; charset=utf-8"


class AllowedMethods:
    """Middleware that answers 405 also for methods unknown to Falcon (QUERY, PURGE).

    It gives resources the segments of the path as the client means them, with encoded slashes.
    """

    async def process_resource(
        self, req: Request, _resp: Response, resource: object, params: dict[str, Any]
    ) -> None:
        """Raise HTTPMethodNotAllowed when the resource does not have the method.

        Raises HTTPRouteNotFound when a segment is empty, or when an encoded slash makes the path look
        like that of another operation: POST /api/sessions/a%2Fend is not the end of session a.
        """
        for name, segment in params.items():
            if not segment:
                raise HTTPRouteNotFound
            params[name] = with_slashes(segment)
        if isinstance(resource, Resource) and not hasattr(resource, f"on_{req.method.lower()}"):
            if has_encoded_slash(req.path):
                raise HTTPRouteNotFound
            raise HTTPMethodNotAllowed([*resource.methods(), "OPTIONS"])
