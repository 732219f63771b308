"""`python -m load.http.baseline` runs the baseline as one process on uvicorn, with uvloop and httptools."""

from __future__ import annotations

import uvicorn

from load.http.baseline.app import create_app
from load.http.baseline.observed import configure_logging
from load.http.baseline.settings import Settings


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    settings = Settings()
    configure_logging()
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
    )


if __name__ == "__main__":
    main()
