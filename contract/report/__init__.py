"""The results of a run: verdict.json, JUnit XML, one HTML page, replays to paste."""
