"""Variables in an agent's texts: templates with a bounded part of Jinja's language, and plain names."""

from agent_runtime.text.variables.fill import fill, is_template, problem
from agent_runtime.text.variables.values import Filled, TemplateFault

__all__ = ["Filled", "TemplateFault", "fill", "is_template", "problem"]
