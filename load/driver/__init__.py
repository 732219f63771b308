"""Code that runs inside Locust (gevent): places calls on caller hosts, passes their reports to Locust."""
