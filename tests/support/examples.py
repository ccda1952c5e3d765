"""How many examples a property is tried on: the same few in each run, or many random ones each night.

`HYPOTHESIS_PROFILE=nightly` chooses the latter; an example that fails is printed with what repeats it.
"""

import os

from hypothesis import HealthCheck, settings

EVERYDAY, NIGHTLY = "everyday", "nightly"


def load_profile() -> None:
    """Register the profiles and load the one that the environment names, before any test is imported."""
    common = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile(EVERYDAY, common, derandomize=True, max_examples=100)
    settings.register_profile(NIGHTLY, common, derandomize=False, max_examples=2000, print_blob=True)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", EVERYDAY))


def share_of_examples(share: float) -> settings:
    """Return settings with a share of the profile's examples, for a property that takes long to try."""
    return settings(max_examples=max(1, round(settings().max_examples * share)))
