"""Commands for the operator of a deployment."""
