"""How a database is reached, retried and laid out."""
