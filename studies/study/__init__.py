"""A study: created, joined, worked on, and noted for optuna-dashboard."""
