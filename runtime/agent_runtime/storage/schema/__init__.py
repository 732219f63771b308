"""Tables, migrations, and the check of a database against both."""
