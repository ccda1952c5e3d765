"""What is left of a search space, and how two trials never train the same configuration."""
