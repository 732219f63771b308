"""What is encrypted at rest: its rotation to another key, and the secrets among a session's variables."""
