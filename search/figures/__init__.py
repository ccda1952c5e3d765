"""Figures: the network, the training, the separations and the search, drawn with matplotlib for files."""
