"""Optuna's storage on our database: operations are retried, and only the holder of a lease writes."""
