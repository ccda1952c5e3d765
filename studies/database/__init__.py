"""The database: how it is reached, what is tried again when it fails, and which tables and names it has."""
