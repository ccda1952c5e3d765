"""Ray, as what a search hands its workers to, in place of this machine."""

import importlib.util
from pathlib import Path
from tempfile import TemporaryDirectory

from studyhall.search.clusters.assignment import Assignment
from studyhall.search.clusters.ray.process import RayProcess
from studyhall.search.clusters.ray.request import RayError, RayRequest, require_answer
from studyhall.search.clusters.ray.shift import RayShift
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.views.progress import Progress


class RayEngine:
    """Has Ray place workers.

    Args:
        request: What is asked of it.

    Raises:
        RayError: Ray is not installed, or does not answer.
    """

    def __init__(self, request: RayRequest) -> None:
        if importlib.util.find_spec("ray") is None:
            raise RayError("--on ray needs Ray, which is not installed here: pip install 'studyhall[ray]'")
        if request.address not in (None, "auto", "local"):
            require_answer(request.address)
        self._request = request

    def work(self, assignment: Assignment, progress: Progress, stop: StopSwitch) -> None:
        """Have workers placed, and show what they do, until all of them have left.

        Raises:
            StudyhallError: All of them failed, or Ray did.
        """
        with TemporaryDirectory(prefix="studyhall-ray-") as folder, RayProcess() as ray:
            shift = RayShift(self._request, assignment, progress, stop, ray)
            if shift.place(Path(folder)):
                shift.watch()

    def leave(self, assignment: Assignment, progress: Progress, stop: StopSwitch) -> None:
        """Have workers placed, wait until they are at work, and leave them to Ray.

        Raises:
            StudyhallError: None of them can work, or Ray failed.
        """
        with TemporaryDirectory(prefix="studyhall-ray-") as folder, RayProcess() as ray:
            shift = RayShift(self._request, assignment, progress, stop, ray)
            if shift.place(Path(folder)):
                shift.see_off()
