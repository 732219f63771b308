"""What runs inside Locust (gevent): orders calls from caller hosts, and fires what they report."""
