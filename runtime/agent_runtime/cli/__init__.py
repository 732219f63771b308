"""The command line: a parser and one module a command; the only code that prints."""
