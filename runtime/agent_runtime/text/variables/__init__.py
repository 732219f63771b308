"""Variables in an agent's texts: templates with a bounded part of Jinja's language, and plain names."""

from agent_runtime.text.variables.fill import Filled, fill, is_template, problem
from agent_runtime.text.variables.simple import LONGEST, filled

__all__ = ["LONGEST", "Filled", "fill", "filled", "is_template", "problem"]
