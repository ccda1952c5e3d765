"""KerasTuner's own interface to a shared study."""
