"""Who has which trial: claims, leases, heartbeats and the way back to the queue.

Functions here are steps of a transaction that the caller holds: none of them opens a storage or commits.
"""
