"""Clusters: other people's schedulers, which are handed the worker that runs locally."""
