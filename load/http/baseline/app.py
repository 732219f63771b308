"""The baseline's ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from livekit import api
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from starlette.exceptions import HTTPException

from load.http.baseline.endpoints import authenticated, public
from load.http.baseline.observed import Observed
from load.http.baseline.settings import Settings
from load.http.baseline.tables import Base


def create_app(settings: Settings) -> FastAPI:
    """Create the application, which creates its tables at startup."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine = create_async_engine(
            settings.async_database_url,
            pool_size=8,  # as our API
            # SQLAlchemy closes overflow connections after each use, so with more clients than connections
            # it would reconnect all the time. Measured: faster than the default, and than 20 connections.
            max_overflow=0,
        )
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        app.state.api_key = settings.agent_runtime_api_key
        app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
        async with api.LiveKitAPI(
            settings.livekit_url,
            settings.livekit_api_key,
            settings.livekit_api_secret,
            timeout=aiohttp.ClientTimeout(total=2),
        ) as app.state.livekit:
            yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)
    app.add_middleware(Observed)
    app.add_exception_handler(HTTPException, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_body)
    app.include_router(public)
    app.include_router(authenticated)
    return app


async def _refuse(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _refuse_body(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, 400)
