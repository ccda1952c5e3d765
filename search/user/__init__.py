"""Users' own code and data: imported from their folder, called, and told apart from ours when it fails."""
