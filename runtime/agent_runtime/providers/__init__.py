"""Speech and language providers: one folder a vendor, each with a `spec.py` and a `plugin.py`.

To add a vendor, add a folder: `spec.py` holds `SPEC`, `plugin.py` a builder for each stage that the spec
names (`common/builders.py` has their types). `registry.py` finds it; nothing else of the runtime changes.
"""
