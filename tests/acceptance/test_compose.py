"""docker-compose.yml as a person uses it: two workers, everything down in the middle, and up again.

The image stays in the engine as `studyhall-test`, because its packages are large; containers, volumes and
networks do not.
"""

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.engines

TRIALS = 4
STUDY = f"""
hypermodel = "tiny_model.py:Tiny"
data = {{ source = "synthetic", samples_per_epoch = 32, validation_samples = 16 }}
search = {{ trials = {TRIALS}, seed = 7 }}
pruner = "none"
training = {{ epochs = 10, batch_size = 16, early_stopping = false }}
"""
# While there is a file `slow` beside it, a trial takes ten seconds: there is time to look at it and to stop
# it.
MODEL = """
import time
from pathlib import Path

import keras
import keras_tuner


class Brake(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if Path(__file__).with_name("slow").exists():
            time.sleep(0.5)


class Tiny(keras_tuner.HyperModel):
    def build(self, hp):
        layers = [keras.layers.Input((32, 32, 1)), keras.layers.Conv2D(2, hp.Int("width", 1, 5, default=1), padding="same")]
        model = keras.Sequential(layers)
        model.compile(optimizer="adam", loss="mse")
        return model

    def fit(self, hp, model, *args, callbacks=(), **kwargs):
        return model.fit(*args, callbacks=[*callbacks, Brake()], **kwargs)
"""
# What pip obeys on this machine, as far as it means something inside a build too.
INDEX_SETTINGS = [
    name
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST")
    if os.environ.get(name) and "file:" not in os.environ[name]
]


class Compose:
    """`docker-compose` in the checkout, for a project that no other test or person has."""

    def __init__(self, command: list[str], repository: Path, studies: Path) -> None:
        self.project = f"studyhall-test-{os.getpid()}"
        self._command = [*command, "-p", self.project]
        self._folder = repository
        self.brake = studies / "slow"
        self._environment = os.environ | {
            "STUDIES": str(studies),
            "STUDY": "studies/tiny.toml",
            "STUDYHALL_IMAGE": "studyhall-test",
            "STUDYHALL_PORT": "0",
            "TF_NUM_INTRAOP_THREADS": "1",
        }

    def run(self, *arguments: str, timeout: float = 180) -> str:
        """Run it to its end; return what it printed, which is shown if it fails."""
        return output_of([*self._command, *arguments], timeout, cwd=self._folder, env=self._environment)

    def wait_for_line(self, service: str, text: str) -> None:
        """Follow the logs of a service until a line holds a text."""
        seen = []
        with subprocess.Popen(
            ["timeout", "180", *self._command, "logs", "--follow", service],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                seen.append(line)
                if text in line:
                    process.terminate()
                    return
        raise AssertionError(f"{text!r} was never printed:\n{''.join(seen)}")

    def up(self) -> None:
        """Start everything, with two workers; returns once the study is there and they have been started."""
        try:
            self.run("up", "--no-build", "--detach", "--scale", "worker=2")
        except AssertionError as error:
            error.add_note(self.run("logs"))
            raise

    def finished_workers(self) -> str:
        """Wait for both workers to leave; return their exit statuses."""
        return output_of(["docker", "wait", *self.run("ps", "-a", "-q", "worker").split()], 300)

    def status(self) -> dict[str, int]:
        """How many trials there are by state."""
        answer = self.run("exec", "-T", "server", "studyhall", "status", "tiny", "--json")
        counts: dict[str, int] = json.loads(answer[answer.index("{") :])["studies"][0]["counts"]
        return counts

    def everything(self) -> list[str]:
        """The containers, volumes and networks of the project, running or not."""
        label = f"label=com.docker.compose.project={self.project}"
        kinds = (["ps", "-a"], ["volume", "ls"], ["network", "ls"])
        return [
            each
            for kind in kinds
            for each in output_of(["docker", *kind, "-q", "--filter", label], 60).split()
        ]


@dataclass
class Story:
    """What was seen of a search that was brought down in the middle and up again."""

    when_interrupted: dict[str, int]
    statuses: str
    at_the_end: dict[str, int]
    log_of_one_more_worker: str
    at_the_very_end: dict[str, int]
    password: str
    open_to_view: str
    user: str
    address: str
    dashboard: Any
    strangers: list[int]
    tokens: list[str]


def asked(address: str, path: str, token: str | None) -> tuple[int, str]:
    """Ask the server, with a token or without; return the status and the body."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"http://{address}{path}", headers=headers), timeout=30
        ) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def output_of(command: list[str], timeout: float, **options: Any) -> str:
    """Run a command; return its standard output, or fail with all that it printed."""
    done = subprocess.run(
        command,
        check=False,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        **options,
    )
    assert done.returncode == 0, f"{command} exits with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return str(done.stdout)


def compose_command() -> list[str]:
    """Return how Compose is called here, or skip where it or its engine is missing."""
    if shutil.which("docker") is None:
        pytest.skip("needs Docker, and there is no `docker` here")
    engine = subprocess.run(["docker", "info"], check=False, capture_output=True, text=True)
    if engine.returncode != 0:
        pytest.skip("needs a Docker engine, and none answers `docker info`")
    if shutil.which("docker-compose") is not None:
        return ["docker-compose"]
    if subprocess.run(["docker", "compose", "version"], check=False, capture_output=True).returncode == 0:
        return ["docker", "compose"]
    pytest.skip("needs Compose, and there is neither `docker-compose` nor `docker compose` here")


@pytest.fixture(scope="module")
def compose(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    command = compose_command()
    studies = tmp_path_factory.mktemp("studies")
    studies.chmod(0o755)  # the image's user is not the one who runs the tests
    (studies / "tiny.toml").write_text(STUDY)
    (studies / "tiny_model.py").write_text(MODEL)
    compose = Compose(command, repository, studies)
    settings = [part for name in INDEX_SETTINGS for part in ("--build-arg", f"{name}={os.environ[name]}")]
    compose.run("build", *settings, "worker", timeout=1500)
    try:
        yield compose
    finally:
        compose.run("down", "--volumes", "--remove-orphans")
    assert compose.everything() == []


@pytest.fixture(scope="module")
def story(compose: Compose) -> Story:
    compose.brake.touch()
    compose.up()
    compose.wait_for_line("worker", "epoch 2")
    processes = compose.run(
        "exec", "-T", "worker", "sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ"
    )
    tops = compose.run("top")
    compose.run("stop", "worker")
    when_interrupted = compose.status()

    password = compose.run("exec", "-T", "server", "cat", "/run/secrets/postgres_password").strip()
    containers = compose.run("ps", "-a", "-q").split()
    inspected = output_of(["docker", "inspect", *containers], 60)
    user = compose.run("exec", "-T", "server", "id", "-u").strip()
    address = compose.run("port", "server", "8080").strip()
    tokens = dict(
        line.split()
        for line in compose.run("exec", "-T", "server", "cat", "/run/secrets/server_tokens").splitlines()
    )
    dashboard = json.loads(asked(address, "/api/studies", tokens["reader"])[1])
    strangers = [
        asked(address, path, None)[0] for path in ("/healthz", "/readyz", "/api/studies", "/studies/tiny")
    ]
    logs = compose.run("logs")
    compose.run("down")

    compose.brake.unlink()
    compose.up()
    statuses = compose.finished_workers()
    at_the_end = compose.status()
    logs += compose.run("logs")
    return Story(
        when_interrupted=when_interrupted,
        statuses=statuses,
        at_the_end=at_the_end,
        log_of_one_more_worker=compose.run("run", "--rm", "--no-deps", "-T", "worker"),
        at_the_very_end=compose.status(),
        password=password,
        open_to_view=processes + inspected + tops + logs,
        user=user,
        address=address,
        dashboard=dashboard,
        strangers=strangers,
        tokens=list(tokens.values()),
    )


def test_workers_that_were_brought_down_hand_their_trials_back(story: Story) -> None:
    counts = story.when_interrupted
    assert (counts["running"], counts["failed"]) == (0, 0)
    assert counts["waiting"] >= 1
    assert sum(counts[each] for each in ("waiting", "complete", "pruned")) == TRIALS


def test_two_workers_finish_exactly_the_budget_after_all_was_down_and_up_again(story: Story) -> None:
    assert set(story.statuses.split()) == {"0"}
    counts = story.at_the_end
    assert counts["complete"] == TRIALS
    assert (counts["waiting"], counts["running"], counts["failed"], counts["pruned"]) == (0, 0, 0, 0)


def test_one_more_worker_for_a_finished_search_trains_nothing(story: Story) -> None:
    assert f"{TRIALS} complete" in story.log_of_one_more_worker
    assert "epoch" not in story.log_of_one_more_worker
    assert story.at_the_very_end == story.at_the_end


def test_password_is_in_no_process_list_environment_log_or_configuration(story: Story) -> None:
    assert len(story.password) == 48
    assert "postgresql://studyhall:***@db" in story.open_to_view
    for secret in (story.password, *story.tokens):
        assert secret not in story.open_to_view


def test_image_does_not_run_as_root(story: Story) -> None:
    assert story.user == "1000"


def test_dashboard_shows_the_study_on_this_machine_alone(story: Story) -> None:
    assert story.address.startswith("127.0.0.1:")
    assert [each["study_name"] for each in story.dashboard["study_summaries"]] == ["tiny"]


def test_server_tells_strangers_that_it_lives_and_nothing_else(story: Story) -> None:
    assert story.strangers == [200, 200, 401, 401]
