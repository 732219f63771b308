"""The ledger of accepted differences: `ledger.yaml` beside this package says what and why."""
