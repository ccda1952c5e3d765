"""Study files: TOML in, a definition or one clear line out.

Nothing here imports Optuna at module level: `--help` must not wait for it.
"""
