"""Decides which addresses the runtime may call when somebody else than the operator names them.

`policy.py` holds the rules and EGRESS_ALLOW, `urls.py` reads URLs, `addresses.py` judges IP addresses. The
clients apply the rules to the address that is really connected to, after DNS: `aiohttp_session.py` and
`httpx_client.py`. Addresses from the operator's own variables do not pass through here.
"""
