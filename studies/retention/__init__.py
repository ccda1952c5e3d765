"""Which of a study's files are kept, and which can go."""
