"""What commands do, one command a module: a command parses, an action acts."""
