"""The bridge from KerasTuner's hyperparameters to an Optuna trial's parameters.

It knows a trial by its handle alone, and imports neither a storage nor a study.
"""
