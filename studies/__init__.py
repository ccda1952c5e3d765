"""What a study is, and where it lives: definition, queue, database, files, and the published model.

No machine learning is imported here, and nothing of the other packages.
"""
