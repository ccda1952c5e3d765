"""Files by id, in a folder or in S3, and the records of those that a study attached."""
