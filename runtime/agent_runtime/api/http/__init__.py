"""What every request meets: server, limits, bodies, authentication, errors, responses."""
