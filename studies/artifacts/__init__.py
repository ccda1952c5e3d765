"""Files by id, in a folder or in S3, and the records of those that are attached to a study or a trial.

boto3 must be imported in `s3/` alone, and that only when a location asks for it: for a folder nobody need install it.
"""
