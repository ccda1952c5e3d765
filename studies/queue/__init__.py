"""Who has which trial: claims, leases and heartbeats, each a step of a transaction that the caller holds."""
