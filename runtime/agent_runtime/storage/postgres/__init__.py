"""PostgreSQL, driven on the event loop through psycopg2's asynchronous mode."""
