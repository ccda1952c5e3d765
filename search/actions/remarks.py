"""What people are told who add trials to a study that takes none as it stands."""

import shlex

from studyhall.search.tuner.script import is_script
from studyhall.search.workers.budget import Budget
from studyhall.studies.space.space import Reach
from studyhall.studies.study.study import Study


def remark(study: Study, named: str) -> str | None:
    """Return why no worker takes a waiting trial, and what to do about it, in one line.

    It is None where workers do take one.

    Args:
        study: The study, with its new trials.
        named: How the person named it.
    """
    over = Budget.of(study.definition).reached(study.spent())
    if over is not None:
        return (
            f"No trial will be taken, because {over}: change that in [search] of its study file, and run "
            "studyhall search with the file"
        )
    if study.stop_requested():
        return f"The study is stopped; continue it with: studyhall search {shlex.quote(named)}"
    # A script may have been edited, and ask for more than before.
    if not is_script(study.definition) and study.space.look().reach() is Reach.TRIED:
        return (
            "All configurations were tried, so trials without values of their own will be withdrawn: set repeat = true in [search] of its "
            "study file, and run studyhall search with the file, to try them again"
        )
    return None
