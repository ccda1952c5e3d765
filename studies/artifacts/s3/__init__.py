"""Artifacts in S3."""
