"""Types that several HTTP modules use."""

from __future__ import annotations

from typing import TypeAlias

import falcon.asgi

Application: TypeAlias = "falcon.asgi.App[falcon.asgi.Request, falcon.asgi.Response]"
