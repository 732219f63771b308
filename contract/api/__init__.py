"""An API as the gate knows it: its openapi.yaml and its profile."""
