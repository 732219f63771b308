"""All that is said to the LiveKit server: dispatch, removal, tokens."""
