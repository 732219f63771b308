"""Who may use the API: keys, their scopes and tenants, and the record of changes."""
