"""What people see of a search while it runs, and of a study afterwards."""
