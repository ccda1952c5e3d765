"""The artifact store in S3: its location, its objects, and what goes wrong with them, in one line each."""
