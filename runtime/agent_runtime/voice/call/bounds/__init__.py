"""What bounds a call, and its manners beside talking: each a companion, and none that is not wanted."""
