"""Templates: configurations that others extend, eight of the package and the operator's own."""

from agent_runtime.agents.templates.library import BUILT_IN, Templates

__all__ = ["BUILT_IN", "Templates"]
