"""One process's work on a study: checked, searched, retrained and published."""
