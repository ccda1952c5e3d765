"""Training: one fit, one trial, one retraining, and how each of them ended."""
