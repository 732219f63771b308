"""The testbed of a real call: stack, servers, and callers who recognise what they hear."""
