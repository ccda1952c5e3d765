"""Seeds that are derived, so that no two trials and no two workers draw the same by accident."""

import hashlib


def derived_seed(*parts: int | str) -> int:
    """Return a seed below 2**31 that depends on every part, the same on every machine."""
    digest = hashlib.sha256("/".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def trial_seed(study_seed: int, number: int) -> int:
    """The seed of a trial's initial weights and dropout."""
    return derived_seed("trial", study_seed, number)
