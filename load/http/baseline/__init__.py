"""The service that our API is compared with: FastAPI, async SQLAlchemy and asyncpg, as in their manuals.

It serves GET of a session and POST of a create as in openapi.yaml, and register and health, which the
benchmark needs. It does the same work as ours: bearer key, validated bodies, capacity under concurrency,
one dispatch for a session, one JSON log line and one observation a request. It has its own tables, with an
index for counting an agent's sessions.
"""
