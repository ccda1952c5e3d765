"""Files by id, in a folder or in S3, and the records of those that are attached to a study or a trial.

boto3 must be imported in `s3/` alone, when a location asks for it: a folder needs no boto3.
"""
