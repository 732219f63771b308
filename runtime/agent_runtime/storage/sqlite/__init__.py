"""SQLite, embedded: reads on the event loop, writes through one thread."""
