"""What people see in a terminal: a search while it runs, and a study afterwards."""
