"""What a run leaves behind: verdict.json, JUnit XML, one HTML page, replays to paste."""
