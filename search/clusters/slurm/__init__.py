"""Workers in Slurm's jobs: the script that is submitted, and the file that tells it the database."""
