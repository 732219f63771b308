"""Use cases: create and end sessions, decide availability, supervise live sessions."""
