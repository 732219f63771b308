"""The services under comparison, as the gate talks to them."""
