"""Mutation testing, run by hand: break one line of the code at a time, and see whether a test notices."""
