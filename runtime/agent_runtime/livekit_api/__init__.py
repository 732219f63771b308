"""Client of the LiveKit server: dispatches, removals, tokens, webhooks."""
