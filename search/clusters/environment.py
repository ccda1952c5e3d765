"""The environment of a worker on another machine: what it is told that no command line may show."""

import os
from collections.abc import Mapping

from studyhall.search.clusters.assignment import Assignment
from studyhall.search.core.tracebacks import VARIABLE
from studyhall.search.devices.host_memory import GIB
from studyhall.search.notifications.webhook import SECRET_VARIABLE, URL_VARIABLE, webhook_from
from studyhall.studies.database.address import parse
from studyhall.studies.database.names import sqlite_url

# What decides results, when workers leave, and what they show; where data and GPUs are, each machine knows
# itself.
PASSED_ON = ("KERAS_BACKEND", "STUDYHALL_LEAVE", VARIABLE)


def environment_for(assignment: Assignment, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables that a worker needs, passwords and the webhook's address among them.

    Args:
        assignment: The study; a limit on memory holds for each worker.
        given: This process's environment.

    Raises:
        DefinitionError: It names a webhook that cannot be used.
    """
    limits = assignment.settings.limits
    path = parse(assignment.storage_url).path
    environment = {name: given[name] for name in PASSED_ON if name in given}
    environment |= {
        # Workers run in another folder, where a relative path would be another file's.
        "STUDYHALL_STORAGE": assignment.storage_url if path is None else sqlite_url(path),
        "STUDYHALL_ARTIFACTS": assignment.artifacts,
        "STUDYHALL_LEASE_SECONDS": f"{assignment.settings.lease_seconds}",
        "STUDYHALL_STALL_SECONDS": f"{limits.stall_seconds}",
    }
    if limits.memory is not None:
        environment["STUDYHALL_MEMORY_LIMIT"] = f"{limits.memory / GIB}"
    webhook = webhook_from(given)
    if webhook is not None:
        environment[URL_VARIABLE] = webhook.url
        if webhook.secret is not None:
            environment[SECRET_VARIABLE] = webhook.secret
    return environment
