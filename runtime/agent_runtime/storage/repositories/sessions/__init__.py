"""The sessions: the shared table holds them, the runtime's table of live ones their capacity and rooms."""
