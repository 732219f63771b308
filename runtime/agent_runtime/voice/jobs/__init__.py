"""Job metadata, settings and stores, which worker and call share."""
