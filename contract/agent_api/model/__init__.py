"""The state of the agent API, and the variables for its ledger's expressions.

These follow the meaning of the twelve operations, which no openapi.yaml has, so another API needs its
own or none: an API whose answers follow from its requests alone gets by with contract.api.world.World.
"""
