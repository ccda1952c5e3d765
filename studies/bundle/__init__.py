"""The published model: its manifest, how it is published, and how it is fetched.

Optuna must not be imported here at module level: `fetch` does without it.
"""
