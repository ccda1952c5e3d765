"""Studies as pages, for people."""
