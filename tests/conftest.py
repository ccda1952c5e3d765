"""What every tier of tests shares: the real data where it is at hand, quiet, single-threaded training, and a
last word.

The last word says which tests did not run, and why.
"""

import gc
import logging
import os
import signal
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tests.support.examples import load_profile
from tests.support.not_run import LeftOut

# Read when TensorFlow is first imported, by this process or by one that a test starts.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

# As whatever was started by `nohup` ignores it, and so would all processes of the tests.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

gc.disable()  # nothing that is imported is garbage, and frameworks are much to look through

SECRET = "not-to-be-shown"  # of S3; no message may hold it

load_profile()

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_collection_finish() -> None:
    """Everything is imported: collect from now on, but never look through the frameworks again."""
    gc.freeze()
    gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    """Have what does not run be told at the end."""
    config.pluginmanager.register(LeftOut(config), "left-out")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture
def real_keras_home(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A KERAS_HOME that holds the real MNIST and Fashion-MNIST files, or a skip where none is at hand."""
    candidates = [Path(home)] if (home := os.environ.get("KERAS_HOME")) else []
    candidates.append(REPOSITORY.parent / "shared" / "keras")
    for candidate in candidates:
        if (candidate / "datasets" / "mnist.npz").is_file():
            monkeypatch.setenv("KERAS_HOME", str(candidate))
            # Keras reads the variable when it is imported, which another test may have done.
            if "keras.src.backend.config" in sys.modules:
                monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(candidate))
            return candidate
    pytest.skip(
        "no real data: set KERAS_HOME to a folder with datasets/mnist.npz and datasets/fashion-mnist/"
    )


@dataclass
class S3Server:
    """An S3-compatible store of our own, on a free port of this machine; it lives as long as the test
    session.
    """

    endpoint: str
    environment: dict[str, str]
    """What a process must have in its environment to use it."""

    def create_bucket(self) -> str:
        """Create an empty bucket; return its name."""
        name = f"bucket-{uuid.uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=name)
        return name

    @cached_property
    def client(self) -> Any:
        """boto3's own client, to look at what is there."""
        import boto3  # type: ignore[import-untyped]

        keys = {"aws_access_key_id": "the-key", "aws_secret_access_key": SECRET}
        return boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1", **keys)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """moto's server, which answers HTTP as S3 does."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    nothing = str(tmp_path_factory.mktemp("aws") / "nothing")
    endpoint = f"http://{host}:{port}"
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "the-key",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": nothing,
        "AWS_SHARED_CREDENTIALS_FILE": nothing,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    yield S3Server(endpoint, environment)
    server.stop()


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """That server, with its address and credentials in this process's environment."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server
