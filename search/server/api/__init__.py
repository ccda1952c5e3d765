"""Studies as JSON, for programs."""
