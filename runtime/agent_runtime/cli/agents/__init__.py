"""The command `agents`: files of agents, what is registered, and what is in force."""
