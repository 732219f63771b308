"""The HTTP API: openapi.yaml on Falcon, over the use cases."""
