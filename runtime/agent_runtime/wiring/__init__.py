"""Puts the parts together: one module a process (api, worker), one for commands. Prints nothing."""
