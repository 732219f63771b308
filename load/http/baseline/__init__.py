"""What our API is measured against: FastAPI, async SQLAlchemy and asyncpg, used as their manuals do.

It serves GET of a session and POST of a create as openapi.yaml has them, and registering and health
because the benchmark needs them. It keeps the promises ours keeps: bearer key, validated bodies,
capacity under concurrency, one dispatch for a session, one JSON log line and one observation a request.
Its tables are its own, so it has the index that counting an agent's sessions wants.
"""
