"""What a test of a real call works with: stack, servers, callers who understand what they hear."""
