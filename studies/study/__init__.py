"""A study: created or joined, worked on, and described in a note for optuna-dashboard."""
