"""Optuna's samplers and pruners by name, with their options checked."""
