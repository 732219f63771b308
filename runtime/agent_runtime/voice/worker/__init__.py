"""The agent server: which jobs it accepts, how it starts them, and what it reports."""
