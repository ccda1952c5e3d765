"""The configurations that a search space still has, and how two trials never train the same one."""
