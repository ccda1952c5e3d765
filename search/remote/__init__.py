"""A study's published bundle, fetched from a Studyhall server."""
