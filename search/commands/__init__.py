"""The commands, one a module; each has its function in `command`."""
