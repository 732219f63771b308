"""The tables, the migrations of the runtime's own, and the check of a database against both."""
