"""Studies in JSON, for programs."""
