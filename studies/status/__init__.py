"""How studies stand: their summaries, their trials, and estimates, read by SELECTs that change nothing.

Optuna must not be imported here: `status` and the server's pages do without it.
"""
