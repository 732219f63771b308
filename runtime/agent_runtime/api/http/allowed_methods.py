"""The methods that a path supports: OPTIONS lists them, any other method is 405."""

from __future__ import annotations

from typing import Any

from falcon import HTTPMethodNotAllowed
from falcon.asgi import Request, Response


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
    """Middleware that answers 405 also for methods unknown to Falcon (QUERY, PURGE)."""

    async def process_resource(
        self, req: Request, _resp: Response, resource: object, _params: dict[str, Any]
    ) -> None:
        """Raise HTTPMethodNotAllowed when the resource does not have the method."""
        if isinstance(resource, Resource) and not hasattr(resource, f"on_{req.method.lower()}"):
            raise HTTPMethodNotAllowed([*resource.methods(), "OPTIONS"])
