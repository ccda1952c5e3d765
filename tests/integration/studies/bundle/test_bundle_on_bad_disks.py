"""A bundle on a full disk, on a read-only disk, and into the mount point of one: real ones, small and in
memory.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import subprocess, sys
from pathlib import Path
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.bundle.fetching import fetch
from studyhall.studies.bundle.manifest import Facts
from studyhall.studies.bundle.publishing import publish
from studyhall.studies.bundle.record import published
from studyhall.studies.errors import StudyhallError

disk, home = Path(sys.argv[1]), Path(sys.argv[2])
storage = InMemoryStorage()
study_id = storage.create_new_study([StudyDirection.MINIMIZE], "bss")
store = open_artifact_store(str(disk / "artifacts"), create=True)
facts = Facts(study="bss", definition={}, signature="", hyperparameters={}, source="trial", why="", trial=0,
              parameters=9, seeds={}, data_fingerprint="", versions={}, revision=None, backend="", device="", metrics={})
names = lambda folder: sorted(path.name for path in folder.iterdir())

def attempt(what, act):
    try:
        act()
        print(what, "worked")
    except StudyhallError as error:
        print(what, "failed:", error)

def files(size):
    folder = home / f"files {size}"
    folder.mkdir(exist_ok=True)
    (folder / "model.keras").write_bytes(b"x" * size)
    (folder / "history.json").write_text("{}")
    return folder

def mount(options):
    subprocess.run(["mount", "-o", "remount," + options, disk], check=True)

attempt("small", lambda: publish(files(10_000), facts, store, storage, study_id))
before = names(disk / "artifacts")
attempt("large", lambda: publish(files(300_000), facts, store, storage, study_id))
print("same files", names(disk / "artifacts") == before)
attempt("fetch", lambda: fetch(published(storage, study_id), store, home / "best"))
mount("ro")
attempt("read-only", lambda: publish(files(10_000), facts, store, storage, study_id))
attempt("open read-only", lambda: open_artifact_store(str(disk / "artifacts"), create=True))
attempt("fetch read-only", lambda: fetch(published(storage, study_id), store, disk / "best"))
attempt("fetch from read-only", lambda: fetch(published(storage, study_id), store, home / "from read-only"))
mount("rw,size=2m")
attempt("large, with space", lambda: publish(files(300_000), facts, store, storage, study_id))
attempt("fetch to a full disk", lambda: (
    (disk / "ballast").write_bytes(bytes(1_500_000)), fetch(published(storage, study_id), store, disk / "best")))
attempt("fetch to a mount point", lambda: fetch(published(storage, study_id), store, disk, force=True))
print(names(disk), len(names(disk / "artifacts")))
"""


def test_full_and_read_only_disks_are_one_line_each_and_leave_nothing_half_written(tmp_path: Path) -> None:
    disk, home = tmp_path / "a small disk", tmp_path / "home"
    disk.mkdir()
    home.mkdir()
    mounted = 'mount -t tmpfs -o size=128k tmpfs "$1" && shift && exec "$@"'
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted, "sh", str(disk)]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("this system lets nobody mount a disk of their own (unshare --user --mount)")
    answer = subprocess.run(
        [*unshare, sys.executable, "-c", PROGRAM, str(disk), str(home)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    write = f"Cannot write to the artifact store {str(disk / 'artifacts')!r}"
    use = f"Cannot use the artifact store {str(disk / 'artifacts')!r}"
    fetch = f"Cannot fetch the bundle into {str(disk / 'best')!r}"
    replace = f"Cannot replace {str(disk)!r} as a whole. Name a folder inside it: {str(disk / 'best')!r}."
    full = "no space is left there. Free some, then run the same command again."
    read_only = "the file system is read-only. Mount it writable, or choose another folder."
    assert answer.stdout.splitlines() == [
        "small worked",
        f"large failed: {write}: {full}",
        "same files True",
        "fetch worked",
        f"read-only failed: {write}: {read_only}",
        f"open read-only failed: {use}: {read_only}",
        f"fetch read-only failed: {fetch}: {read_only}",
        "fetch from read-only worked",
        "large, with space worked",
        f"fetch to a full disk failed: {fetch}: {full}",
        f"fetch to a mount point failed: {replace}",
        "['artifacts', 'ballast'] 3",
    ]
