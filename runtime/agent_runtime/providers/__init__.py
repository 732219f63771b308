"""Speech and language providers, one folder a vendor."""
