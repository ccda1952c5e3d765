"""The published model: its manifest, how it is published, and how it is fetched.

Optuna must not be imported here.
"""
