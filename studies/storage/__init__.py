"""Optuna's storage on our database: operations are retried, and a trial is written to by the holder of its lease alone."""
