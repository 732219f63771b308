"""The operations of openapi.yaml, one module a resource."""
