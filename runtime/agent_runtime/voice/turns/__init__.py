"""When to speak and when to stop."""
