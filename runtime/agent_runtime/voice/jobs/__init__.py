"""What worker and call share: job metadata, settings, stores."""
