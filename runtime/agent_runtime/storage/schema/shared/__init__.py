"""The thirteen tables of the shared schema. On PostgreSQL another team's tool makes and migrates them."""
