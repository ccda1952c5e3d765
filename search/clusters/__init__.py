"""Other people's schedulers, Ray and Slurm, which place workers on other machines."""
