"""A publication that dies at any step, on a real SQLite study and real folders."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from optuna.artifacts import get_all_artifact_meta
from optuna.storages import BaseStorage, RDBStorage
from optuna.study import StudyDirection, load_study

from studyhall.studies.artifacts.folder_store import FileArtifactStore
from studyhall.studies.bundle.fetching import BundleRecord, fetch, publish, published, unpublished
from studyhall.studies.storage.study_storage import open_storage
from tests.support.bundles import FACTS

FILES = 3  # the manifest included
RECORD = 1 + 2 * FILES  # the steps before the bundle's record: the note, and each file with its own record
STEPS = RECORD + 1 + 2 * FILES + 1  # then the record; the old records and files, removed; and the note again


@dataclass
class House:
    """A study of a database, with a folder of its own for its artifacts."""

    folder: Path
    storage: BaseStorage
    study_id: int

    def __post_init__(self) -> None:
        self.artifacts = self.folder / "artifacts"
        self.artifacts.mkdir(parents=True, exist_ok=True)
        self.store = FileArtifactStore(self.artifacts)

    def publish(self, model: bytes) -> BundleRecord:
        """Publish a bundle whose model begins with these bytes."""
        folder = self.folder / "scratch"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "model.keras").write_bytes(model * 10_000)
        (folder / "history.json").write_text("{}")
        return publish(folder, FACTS, self.store, self.storage, self.study_id)

    def published(self) -> BundleRecord:
        record = published(self.storage, self.study_id)
        assert record is not None
        return record

    def stored(self) -> set[str]:
        return {path.name for path in self.artifacts.iterdir() if not path.name.startswith(".studyhall-")}

    def shown(self) -> set[str]:
        name = self.storage.get_study_name_from_id(self.study_id)
        return {
            meta.artifact_id
            for meta in get_all_artifact_meta(load_study(study_name=name, storage=self.storage))
        }

    def check_and_publish_again(self) -> bytes:
        """Check that a whole bundle is published and that the next one leaves nothing else; return
        its model.
        """
        found = self.published()
        model = (fetch(found, self.store, self.folder / "best") / "model.keras").read_bytes()
        # Whatever is in the store and in no bundle is known, so that it can be removed.
        assert self.stored() - found.artifact_ids <= set(unpublished(self.storage, self.study_id))
        third = self.publish(b"third")
        assert self.stored() == self.shown() == third.artifact_ids
        assert unpublished(self.storage, self.study_id) == ()
        return model[:5]


@pytest.fixture
def street(tmp_path: Path) -> list[House]:
    """For each step of a publication a study with a published bundle, and one more; all in one database."""
    folder = tmp_path / "of 'many' stüdies"
    folder.mkdir()
    storage = open_storage(f"sqlite:///{folder / 'studies.db'}", create=True)
    houses = []
    for steps in range(STEPS + 1):
        study_id = storage.create_new_study([StudyDirection.MINIMIZE], f"bss {steps}")
        houses.append(House(folder / f"{study_id}", storage, study_id))
        houses[-1].publish(b"first")
    storage.close()
    return houses


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting for the disk: a process that ends takes none of the system's buffers with it."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


class StopError(BaseException):
    """Whatever ends a publication between two of its steps."""


@dataclass
class Fuse:
    """Lets some steps pass, then fails: the first after it is done, and every later one before."""

    steps: int
    count: int = 0

    def around(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any) -> Any:
            self.count += 1
            if self.count <= self.steps:
                return act(*arguments)
            if self.count == self.steps + 1:
                act(*arguments)
            raise StopError

        return step


def test_publication_that_loses_the_answer_of_any_step_leaves_a_whole_bundle(
    street: list[House], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a connection breaks after the other side has done what it was asked."""
    models = []
    for steps, house in enumerate(street):
        fuse = Fuse(steps)
        with monkeypatch.context() as patch:
            for name in ("set_study_system_attr", "set_study_user_attr", "transact"):
                patch.setattr(house.storage, name, fuse.around(getattr(house.storage, name)))
            for name in ("write", "remove"):
                patch.setattr(house.store, name, fuse.around(getattr(house.store, name)))
            if steps < STEPS:
                with pytest.raises(StopError):
                    house.publish(b"second")
            else:
                house.publish(b"second")
        models.append(house.check_and_publish_again())
    assert models == [b"first"] * RECORD + [b"secon"] * (STEPS + 1 - RECORD)


KILLED = """
import os, signal, sys
from pathlib import Path
from studyhall.studies.storage.study_storage import open_storage
from test_bundle_interrupted import STEPS, House

os.fsync = lambda handle: None

class Fatal:
    def __init__(self, body): self.body = body
    def read(self, size=-1):
        if self.body.tell() > 0: die()
        return self.body.read(100)

def die(): os.kill(os.getpid(), signal.SIGKILL)

def publish(house, steps):
    count = [0]
    def around(act, is_write):
        def step(*arguments):
            count[0] += 1
            if count[0] <= steps: return act(*arguments)
            if is_write: act(arguments[0], Fatal(arguments[1]))
            die()
        return step
    for name in ("set_study_system_attr", "set_study_user_attr", "transact"):
        setattr(house.storage, name, around(getattr(house.storage, name), False))
    for name in ("write", "remove"):
        setattr(house.store, name, around(getattr(house.store, name), name == "write"))
    house.publish(b"second")

folder = Path(sys.argv[1])
storage = open_storage(f"sqlite:///{folder / 'studies.db'}", create=False)
storage.close()  # no connection may be shared with the children
for steps in range(STEPS + 1):
    child = os.fork()
    if not child:
        publish(House(folder / f"{steps + 1}", storage, steps + 1), steps)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_publication_that_is_killed_at_any_step_leaves_a_whole_bundle(street: list[House]) -> None:
    """By SIGKILL, in the middle of a file's bytes where the step is one that writes a file."""
    answer = subprocess.run(
        [sys.executable, "-c", KILLED, str(street[0].folder.parent)],
        cwd=Path(__file__).parent,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert [int(line) for line in answer.stdout.split()] == [-9] * STEPS + [0], answer.stderr
    models = [house.check_and_publish_again() for house in street]
    assert models == [b"first"] * (RECORD + 1) + [b"secon"] * (STEPS - RECORD)


def test_bundles_can_be_published_in_a_storage_of_optunas_own(tmp_path: Path) -> None:
    storage = RDBStorage(f"sqlite:///{tmp_path / 'studies.db'}")
    house = House(tmp_path, storage, storage.create_new_study([StudyDirection.MINIMIZE], "theirs"))
    house.publish(b"first")
    second = house.publish(b"second")
    assert house.published() == second
    assert house.stored() == second.artifact_ids
    fetch(second, house.store, tmp_path / "best")
