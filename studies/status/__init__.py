"""How studies stand, read by SELECTs.

Optuna must not be imported here: `status` and the server do without it.
"""
