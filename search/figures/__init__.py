"""Pictures of networks, trainings, separations and searches, drawn by matplotlib into files."""
