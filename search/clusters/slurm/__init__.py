"""Workers in Slurm's jobs."""
