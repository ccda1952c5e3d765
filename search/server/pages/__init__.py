"""Pages for the people who run studies."""
