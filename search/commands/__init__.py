"""The command line, a module for each command; each has its function in `command`.

What takes time is imported inside functions: `--help` answers at once.
"""
