"""What every provider's folder uses."""
