"""How fast an agent comes, comes back, and how many come of many at once; beside a stock worker."""
