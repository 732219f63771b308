"""What a call hears of its room, and tells its server."""
