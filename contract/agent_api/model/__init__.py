"""What the requests have made true in the agent API, in the words of its ledger."""
