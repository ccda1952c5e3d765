"""One process's work on a study: checked, worked on, retrained and published."""
