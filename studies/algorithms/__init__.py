"""Optuna's samplers and pruners: found by name, and constructed of options that are checked first."""
