"""Processes: the one that trains, the pipe to it, those of further workers, and the signals that end them."""
