"""What the runtime knows of an agent beside its configuration."""
