"""SQLite: short reads on the event loop, long ones and all writes on threads."""
