"""Handing workers to Ray, without Ray: what travels, what is shared, and what a search makes of the news."""

import shutil
import zipfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from studyhall.search.clusters.assignment import Assignment
from studyhall.search.clusters.environment import environment_for
from studyhall.search.clusters.ray import engine, project_package
from studyhall.search.clusters.ray import slot as shares
from studyhall.search.clusters.ray.messages import Cluster, Leave, LetGo, Lost, NoRoom, Orders, Over, Placed
from studyhall.search.clusters.ray.project_package import IGNORE_FILE, ROOT, pack
from studyhall.search.clusters.ray.request import RayError, RayRequest
from studyhall.search.clusters.ray.shift import RayShift
from studyhall.search.clusters.ray.slot import slot_for
from studyhall.search.commands.group import cli
from studyhall.search.devices.gpus import DeviceError
from studyhall.search.devices.nvml import Gpu
from studyhall.search.devices.slots import environment_of
from studyhall.search.processes.launching import Ended
from studyhall.search.processes.limits import Limits
from studyhall.search.processes.stop_switch import StopSwitch
from studyhall.search.workers.local_work import WorkersFailedError
from studyhall.search.workers.settings import WorkerSettings
from studyhall.studies.database.address import parse
from studyhall.studies.definition import Definition
from studyhall.studies.errors import DefinitionError, StorageError
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study
from studyhall.studies.study_file.loading import define
from studyhall.studies.study_file.reference import resolve_study

HERE = Cluster("127.0.0.1:6379", 3, frozenset({"here"}), 3.0, 0.0, own=False)
H100 = Gpu(0, "GPU-1", "H100", 80_000, (9, 0))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A person's project folder."""
    folder = tmp_path / "Jo's café {1} 100%"
    folder.mkdir()
    (folder / "model.py").write_text("def build(hp): ...")
    return folder


def defined(folder: Path, **sections: Any) -> Definition:
    tables: dict[str, Any] = {"name": "s", "hypermodel": "model.py:build", "data": {"source": "synthetic"}}
    return define(tables | {"search": {"trials": 3}} | sections, folder)


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def packed(folder: Path, without: tuple[Path, ...] = ()) -> set[str]:
    target = folder.parent / "package.zip"
    pack(defined(folder), target, without)
    with zipfile.ZipFile(target) as package:
        return {name.removeprefix(f"{ROOT}/") for name in package.namelist() if not name.endswith("/")}


def test_a_project_travels_without_its_history_its_caches_and_its_environments(project: Path) -> None:
    write(project, "data/train.csv", "übung.py", "logging.py")
    write(
        project, ".git/HEAD", "__pycache__/m.pyc", "old.pyc", ".env", "my-env/pyvenv.cfg", "my-env/bin/python"
    )
    write(project, ".pytest_cache/x", ".ipynb_checkpoints/n.ipynb", "studies.db", "studies.db-wal", "kept/a")
    travels = packed(project, (project / "studies.db", project / "kept"))
    assert travels == {"model.py", "data/train.csv", "übung.py", "logging.py"}


def test_a_project_says_itself_what_stays(project: Path) -> None:
    write(project, "runs/1/log", "a.tmp", "data/big.npz", "data/small.npz")
    (project / IGNORE_FILE).write_text("# large\n\nruns/\n*.tmp\ndata/big.npz\n")
    assert packed(project) == {"model.py", "data/small.npz", IGNORE_FILE}


def test_the_same_files_make_the_same_package(project: Path, tmp_path: Path) -> None:
    for name in ("1.zip", "2.zip"):
        (project / "model.py").touch()
        pack(defined(project), tmp_path / name)
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()


def test_a_project_that_is_too_large_is_refused_with_its_largest_file(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_package, "LIMIT", 1000)
    (project / "big.npz").write_bytes(b"." * 1001)
    with pytest.raises(DefinitionError, match=r"too much to send.* is big.npz .*\.studyhallignore"):
        packed(project)


def test_code_outside_the_study_s_folder_is_refused(project: Path) -> None:
    write(project.parent, "elsewhere.py")
    definition = defined(project, hypermodel="../elsewhere.py:build")
    with pytest.raises(DefinitionError, match="elsewhere.py is outside the study's folder"):
        pack(definition, project.parent / "package.zip")


def test_two_workers_of_half_a_gpu_have_half_of_its_memory_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "usable_gpus", lambda environment: (H100,))
    slot = slot_for(1, 4, cpus=2.5, gpus=0.5, environment={"CUDA_VISIBLE_DEVICES": "0"})
    assert (slot.sharing, slot.memory_mib, slot.threads) == (2, 80_000 // 2 - 768, 2)
    assert environment_of(slot, {})["STUDYHALL_GPU_MEMORY_MIB"] == f"{slot.memory_mib}"
    assert slot_for(0, 3, 1, 1 / 3, {}).sharing == 3
    assert slot_for(0, 1, 1, 1.0, {}).memory_mib is None
    with pytest.raises(DeviceError, match="too small for 100 workers"):
        slot_for(0, 100, 1, 0.01, {})


def test_a_worker_without_a_gpu_sees_none() -> None:
    slot = slot_for(0, 2, cpus=0.5, gpus=0, environment={"CUDA_VISIBLE_DEVICES": "0,1"})
    assert (slot.threads, environment_of(slot, {})["CUDA_VISIBLE_DEVICES"]) == (1, "")


@pytest.fixture(scope="module")
def empty_storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the schema and no studies."""
    path = tmp_path_factory.mktemp("storage") / "studies.db"
    open_storage(f"sqlite:///{path}", create=True).close()
    return path


@pytest.fixture
def study(project: Path, empty_storage: Path) -> Iterator[Study]:
    """A study of three waiting trials, in SQLite."""
    path = project.parent / "studies.db"
    shutil.copy(empty_storage, path)
    storage = open_storage(f"sqlite:///{path}", create=False)
    yield Study.create_or_join(storage, defined(project))
    storage.close()


def assigned(study: Study, url: str = "postgresql://me:secret@host/db", **limits: Any) -> Assignment:
    return Assignment(study, url, "s3://bucket", WorkerSettings(limits=Limits(**limits)))


def test_workers_elsewhere_are_told_in_their_environment_what_no_list_of_processes_may_show(
    study: Study, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = {"KERAS_BACKEND": "jax", "HOME": "/me", "STUDYHALL_WEBHOOK": "https://example.org/secret"}
    environment = environment_for(assigned(study), given)
    assert environment["STUDYHALL_STORAGE"] == "postgresql://me:secret@host/db"
    assert environment["KERAS_BACKEND"] == "jax"
    assert environment["STUDYHALL_WEBHOOK"] == "https://example.org/secret"
    assert not {"HOME", "STUDYHALL_MEMORY_LIMIT"} & environment.keys()
    assert environment_for(assigned(study, memory=2**30), {})["STUDYHALL_MEMORY_LIMIT"] == "1.0"
    assert "secret" not in repr(Orders("s", 1, 1.0, 0.0, False, environment)) + repr(assigned(study))
    monkeypatch.chdir(tmp_path)
    assert (
        environment_for(assigned(study, "sqlite:///a.db"), {})["STUDYHALL_STORAGE"]
        == f"sqlite:///{tmp_path}/a.db"
    )
    odd = environment_for(assigned(study, "sqlite:///a%3Fb%25.db"), {})["STUDYHALL_STORAGE"]
    assert parse(odd).path == tmp_path / "a?b%.db"


class Driver:
    """What tells a shift the news, in place of a Ray driver."""

    def __init__(self, *news: Any) -> None:
        self._news = deque(news)
        self.sent: list[Any] = []
        self.over = False

    def send(self, order: Any) -> None:
        self.sent.append(order)

    def news(self, seconds: float) -> Iterator[Any]:
        if self._news:
            news = self._news.popleft()
            if isinstance(news, Exception):
                raise news
            if callable(news):
                news()
                return
            self.over = isinstance(news, Over)
            yield news


class Said:
    """Progress that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    def observe(self, event: Any) -> None:
        self.lines.append(type(event).__name__)


def shifted(
    study: Study, driver: Driver, folder: Path, request: RayRequest, **given: Any
) -> tuple[RayShift, Said]:
    said = Said()
    assignment = assigned(study, **given)
    shift = RayShift(request, assignment, said, given.get("stop", StopSwitch()), driver)  # type: ignore[arg-type]
    assert shift.place(folder)
    return shift, said


@pytest.fixture(autouse=True)
def _host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "here")


def test_no_more_workers_are_asked_for_than_trials_wait_and_a_gpu_only_where_there_is_one(
    study: Study, tmp_path: Path
) -> None:
    driver = Driver(HERE)
    shifted(study, driver, tmp_path, RayRequest(workers=8))
    orders = driver.sent[-1].orders
    assert (orders.total, orders.cpus, orders.gpus, orders.alone) == (3, 1.0, 0.0, False)


def test_a_worker_that_is_lost_and_placed_again_is_told_of_in_lines(study: Study, tmp_path: Path) -> None:
    news = (HERE, Placed("worker 1", "worker 1 of 2 runs on CPU"), NoRoom(1), Lost("worker 1"))
    driver = Driver(*news, Ended("worker 1", 0, ""), Over())
    shift, said = shifted(study, driver, tmp_path, RayRequest(workers=2))
    shift.watch()
    told = "\n".join(said.lines)
    assert "2 workers on Ray at 127.0.0.1:6379 (3 nodes, 3 CPUs, 0 GPUs)" in told
    assert "1 of 2 workers not placed yet; Ray had 3 nodes" in told
    assert "worker 1 was lost, alone or with its node; Ray starts it again" in told


def test_that_all_workers_failed_is_one_line_with_the_reason(study: Study, tmp_path: Path) -> None:
    failed = [Ended(f"worker {number}", 2, "imports\nError: no such metric") for number in (1, 2)]
    shift, said = shifted(study, Driver(HERE, *failed, Over()), tmp_path, RayRequest(workers=2))
    with pytest.raises(WorkersFailedError, match="All 2 workers failed: no such metric"):
        shift.watch()
    assert said.lines.count("WorkerFailed") == 2


def test_a_ray_that_is_gone_leaves_a_whole_study_and_the_message_says_how_to_go_on(
    study: Study, tmp_path: Path
) -> None:
    shift, _ = shifted(study, Driver(HERE, RayError("Ray is gone")), tmp_path, RayRequest())
    with pytest.raises(
        RayError, match="Ray is gone. The study is whole: .* without Ray, with: studyhall worker s"
    ):
        shift.watch()


def test_a_file_database_is_refused_where_ray_has_several_machines(study: Study, tmp_path: Path) -> None:
    cluster = Cluster("head:6379", 2, frozenset({"here", "there"}), 2.0, 0.0, own=False)
    with pytest.raises(
        StorageError, match="a file of this machine, and Ray at head:6379 has 2 machines: use PostgreSQL"
    ):
        shifted(study, Driver(cluster), tmp_path, RayRequest(), url="sqlite:///studies.db")


def test_workers_are_not_left_to_a_ray_that_ends_with_the_command(study: Study, tmp_path: Path) -> None:
    cluster = Cluster("this machine", 1, frozenset({"here"}), 2.0, 0.0, own=True)
    with pytest.raises(RayError, match="--detach needs a Ray that outlives this command"):
        shifted(study, Driver(cluster), tmp_path, RayRequest(detach=True))


def test_workers_are_left_to_ray_once_the_study_knows_them(study: Study, tmp_path: Path) -> None:
    driver = Driver(
        HERE,
        Placed("worker 1", "..."),
        lambda: study.workers.register("w", host="there", pid=1, device="CPU"),
        AssertionError("it is waited for more than that"),
    )
    shift, said = shifted(study, driver, tmp_path, RayRequest(detach=True))
    shift.see_off()
    assert driver.sent[-1] == LetGo()
    assert "1 worker is left to Ray" in said.lines[-1]
    assert "studyhall stop s" in said.lines[-1]


def test_a_stop_is_passed_on_once(study: Study, tmp_path: Path) -> None:
    driver, stop = Driver(HERE, NoRoom(1), NoRoom(1), Over()), StopSwitch()
    shift = RayShift(RayRequest(), assigned(study), Said(), stop, driver)  # type: ignore[arg-type]
    assert shift.place(tmp_path)
    stop.set()
    shift.watch()
    assert driver.sent.count(Leave()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--gpus-per-worker", "0.5"], "--gpus-per-worker goes with --on ray"),
        (["--detach"], "--detach goes with --on ray"),
        (["--on", "ray", "--slots-per-gpu", "2"], "with --on ray use --gpus-per-worker"),
        (["--on", "ray", "--gpus-per-worker", "1.5"], "1.5 is not in the range"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments: list[str], message: str) -> None:
    answer = CliRunner().invoke(cli, ["search", "s.toml", *arguments])
    assert answer.exit_code == 2
    assert message in answer.output


def test_without_ray_the_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RayError, match=r"pip install 'studyhall\[ray\]'"):
        engine.RayEngine(RayRequest())


@pytest.mark.parametrize("address", ["nonsense", "ray://host:10001", "http://host:8265", "host:"])
def test_what_is_no_address_of_ray_is_refused_at_once(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    with pytest.raises(RayError, match="write HOST:PORT"):
        engine.RayEngine(RayRequest(address=address))


def test_a_study_that_is_named_by_its_file_has_its_code_beside_it(project: Path) -> None:
    assert resolve_study("s", "sqlite:///a.db", project=project).project == project
    (project / "s.toml").write_text('hypermodel = "model.py:build"\n')
    with pytest.raises(DefinitionError, match="--project needs a study's name"):
        resolve_study(str(project / "s.toml"), None, project=project)
