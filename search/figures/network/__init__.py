"""The drawing of a network: its layers laid out, drawn in pieces, with a legend."""
