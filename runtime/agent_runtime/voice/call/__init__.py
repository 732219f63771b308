"""One call, from LiveKit's job to the session's final row."""
