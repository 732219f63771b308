"""What the folders of the vendors share."""
