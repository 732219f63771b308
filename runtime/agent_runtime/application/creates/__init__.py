"""Creating sessions: their limits, what becomes of refused ones, and of requests that are sent again."""
