"""What commands do, a module for each: a command parses, an action acts and prints."""
