"""Personal data of callers: how long they are kept, and their erasure on request."""
