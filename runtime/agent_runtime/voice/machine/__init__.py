"""What the machine can still take."""
