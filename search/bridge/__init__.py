"""The bridge from KerasTuner's hyperparameters to an Optuna trial's parameters."""
