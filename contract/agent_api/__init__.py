"""All that the gate knows of this repository's API."""
