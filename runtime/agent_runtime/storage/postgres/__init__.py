"""PostgreSQL, driven on the event loop."""
