"""All that the gate knows of this repository's API, in one package.

`profile.py` is the typed file for everything but the state; openapi.yaml is its other source. `model/`
holds the state and the words of the ledger, which are of this API by nature, `services/` starts the
services. The ledger, the mutants, the scenarios and the recorded requests are data.
"""
