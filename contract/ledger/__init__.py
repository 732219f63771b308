"""The ledger of accepted differences: each entry is a rule with its reason, owner and expiry."""
