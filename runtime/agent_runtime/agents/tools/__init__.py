"""The tools of an agent's configuration: their definition, and the JSON Schemas of their arguments."""

from agent_runtime.agents.tools.definition import BUILTINS, Tool, tools_of

__all__ = ["BUILTINS", "Tool", "tools_of"]
