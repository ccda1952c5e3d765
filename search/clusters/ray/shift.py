"""A shift: some workers on Ray, from when it is asked for them until they have left, or are left to it."""

import shlex
import socket
import time
from pathlib import Path

from studyhall.search.clusters.assignment import Assignment
from studyhall.search.clusters.environment import environment_for
from studyhall.search.clusters.ray.messages import (
    Cluster,
    Connect,
    Leave,
    LetGo,
    Lost,
    NoRoom,
    Orders,
    Place,
    Placed,
    Told,
)
from studyhall.search.clusters.ray.process import RayProcess
from studyhall.search.clusters.ray.project_package import pack
from studyhall.search.clusters.ray.request import RayError, RayGoneError, RayRequest
from studyhall.search.clusters.shared_resources import remark_on_artifacts, require_shared_database
from studyhall.search.core.events import WorkerFailed
from studyhall.search.processes.launching import STOP_SECONDS, Ended
from studyhall.search.processes.stop_switch import POLL_SECONDS, StopSwitch
from studyhall.search.views.progress import Progress
from studyhall.search.workers.local_work import WorkersFailedError, all_failed, has_failed
from studyhall.search.workers.watched_study import WatchedStudy
from studyhall.studies.database.address import parse

CONNECT_SECONDS = 60.0  # how long a cluster that takes connections may take to answer
LOOK_SECONDS = 1.0  # how often the database is asked what the workers do
GRACE_SECONDS = 5.0  # for the news that all have left, after the time they have for it
BEGIN_SECONDS = 90.0  # how long workers that are left to Ray may take until the study knows them


class RayShift:
    """Workers on Ray, seen from the search that asked for them.

    Args:
        request: What is asked of Ray.
        assignment: The study.
        progress: Shows what they do.
        stop: Has them hand back their trials and leave.
        ray: The driver, just started.
    """

    def __init__(
        self,
        request: RayRequest,
        assignment: Assignment,
        progress: Progress,
        stop: StopSwitch,
        ray: RayProcess,
    ) -> None:
        self._request = request
        self._assignment = assignment
        self._study = assignment.study
        self._progress = progress
        self._stop = stop
        self._ray = ray
        self._total = max(1, min(request.workers, self._study.counts().waiting))
        self._cluster: Cluster | None = None
        self._placed: set[str] = set()
        self._ended: list[Ended] = []
        self._no_room = False

    def place(self, folder: Path) -> bool:
        """Have Ray start the workers; False when told to stop before.

        Args:
            folder: Where the package of the user's project is made, for as long as the shift lasts.

        Raises:
            StudyhallError: Ray cannot be used, or the study cannot be worked on there.
        """
        package = folder / "project.zip"
        pack(self._study.definition, package, self._own_files())
        self._ray.send(Connect(self._request.address, str(package)))
        deadline = time.monotonic() + CONNECT_SECONDS
        while self._cluster is None:
            if self._stop():
                return False
            if time.monotonic() > deadline:
                where = self._request.address or "this machine"
                raise RayGoneError(f"What answers at {where} is not Ray, or Ray of another version")
            self._hear(POLL_SECONDS)
        cluster, request = self._cluster, self._request
        if request.detach and cluster.own:
            raise RayError(
                "--detach needs a Ray that outlives this command: start one with 'ray start --head', or name one with --address"
            )
        self._check_what_is_shared(cluster)
        gpus = request.gpus if request.gpus is not None else float(cluster.gpus >= 1)
        self._progress.say(
            f"{_counted(self._total, 'worker')} on Ray at {cluster.where} ({_resources(cluster)}), each with "
            f"{_counted(request.cpus, 'CPU')} and {_counted(gpus, 'GPU')}"
        )
        environment = environment_for(self._assignment)
        orders = Orders(self._study.name, self._total, request.cpus, gpus, request.detach, environment)
        self._ray.send(Place(orders))
        return True

    def watch(self) -> None:
        """Show what the workers do, until all of them have left; pass a stop on to them.

        Raises:
            WorkersFailedError: All of them failed.
            RayError: Ray is gone; its workers hand back their trials by themselves.
        """
        watched = WatchedStudy(self._study, self._progress.observe)
        next_look = time.monotonic()
        told_until: float | None = None
        while not self._ray.over and (told_until is None or time.monotonic() < told_until):
            try:
                self._hear(POLL_SECONDS)
            except RayError as error:
                if self._stop():
                    return
                raise self._whole_without_ray(error) from error
            if self._stop() and told_until is None:
                self._ray.send(Leave())
                told_until = time.monotonic() + STOP_SECONDS + GRACE_SECONDS
            if time.monotonic() >= next_look:
                watched.look()
                next_look = time.monotonic() + LOOK_SECONDS
        watched.look()
        self._require_some_worked()

    def see_off(self) -> None:
        """Wait until the workers are at work, then leave them to Ray.

        They leave, too, if this process is told to stop before.

        Raises:
            WorkersFailedError: All of them failed.
            RayError: Ray is gone.
        """
        known = {each.worker for each in self._study.workers.alive()}
        deadline = time.monotonic() + BEGIN_SECONDS
        while time.monotonic() < deadline and not self._ray.over:
            if self._stop():
                self.watch()
                self._progress.say("Stopped; nothing is lost.")
                return
            self._hear(LOOK_SECONDS)
            began = len({each.worker for each in self._study.workers.alive()} - known) + len(self._ended)
            placed = len(self._placed) + sum(each.name not in self._placed for each in self._ended)
            if began >= placed and (placed == self._total or self._no_room):
                break
        self._require_some_worked()
        self._ray.send(LetGo())
        name = shlex.quote(self._study.name)
        self._progress.say(
            f"{_counted(self._total, 'worker')} {'is' if self._total == 1 else 'are'} left to Ray.\n"
            f"  watch them:  studyhall status {name}\n"
            f"  end them:    studyhall stop {name}\n"
            f"  publish, when all trials are finished:  studyhall search {name}"
        )

    def _hear(self, seconds: float) -> None:
        for news in self._ray.news(seconds):
            self._take(news)

    def _take(self, news: Told) -> None:
        match news:
            case Cluster():
                self._cluster = news
            case Placed(name, place):
                self._placed.add(name)
                self._progress.say(place)
            case Lost(name):
                self._progress.say(f"{name} was lost, alone or with its node; Ray starts it again")
            case NoRoom(waiting):
                self._no_room = True
                if self._cluster is not None:
                    self._progress.say(
                        f"{waiting} of {_counted(self._total, 'worker')} not placed yet; Ray had {_resources(self._cluster)} in all"
                    )
            case Ended(name, status, output):
                self._ended.append(news)
                if has_failed(news):
                    self._progress.observe(WorkerFailed(name, status, output))

    def _own_files(self) -> list[Path]:
        """Return what may lie in the project's folder and is no part of it: database, artifact store."""
        path, artifacts = parse(self._assignment.storage_url).path, self._assignment.artifacts
        own = [] if "://" in artifacts else [Path(artifacts)]
        return own if path is None else [*own, path]

    def _check_what_is_shared(self, cluster: Cluster) -> None:
        if cluster.hosts <= {socket.gethostname()}:
            return
        who = f"Ray at {cluster.where} has {len(cluster.hosts)} machines"
        require_shared_database(self._assignment.storage_url, who)
        remark = remark_on_artifacts(self._assignment.artifacts)
        if remark is not None:
            self._progress.say(remark)

    def _require_some_worked(self) -> None:
        failed = [each for each in self._ended if has_failed(each)]
        if len(failed) == self._total and not self._stop():
            raise WorkersFailedError(all_failed(failed), failed)

    def _whole_without_ray(self, error: RayError) -> RayGoneError:
        name = shlex.quote(self._study.name)
        return RayGoneError(
            f"{error}. The study is whole: continue with the same command, or without Ray, with: studyhall worker {name}"
        )


def _resources(cluster: Cluster) -> str:
    return ", ".join(
        (_counted(cluster.nodes, "node"), _counted(cluster.cpus, "CPU"), _counted(cluster.gpus, "GPU"))
    )


def _counted(number: float, what: str) -> str:
    return f"{number:g} {what}{'' if number == 1 else 's'}"
