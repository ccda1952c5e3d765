"""Optuna's storage on our database: retried, exact, and aware of leases."""
