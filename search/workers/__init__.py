"""Supervisors: they claim trials, hold their leases, and write what the training process reports.

Keras must not be imported here: a supervisor stays light, and outlives its training processes.
"""
