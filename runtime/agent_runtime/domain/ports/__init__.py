"""What the use cases need from outside, by subject; storage and livekit_api implement it."""
