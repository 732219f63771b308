"""Every private name of LiveKit that the runtime touches."""
