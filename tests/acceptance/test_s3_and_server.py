"""A team's way: the search runs on JAX, the files are in S3, and somebody with a token fetches the model from
a server.
"""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TOKEN = "reader-of-the-hall-0123456789abcdef"


def test_search_on_jax_and_s3_publishes_a_model_that_comes_from_a_server_and_loads_under_tensorflow(
    project: Any, s3_server: Any, wait_for_line: Callable[["subprocess.Popen[str]", str], str], secret: str
) -> None:
    pytest.importorskip("jax", reason="jax is not installed: pip install 'studyhall[jax]'")
    bucket = s3_server.create_bucket()
    project.environment |= s3_server.environment | {"KERAS_BACKEND": "jax"}
    study = project.write_study(trials=1, epochs=1, separates=True)
    study.write_text(study.read_text() + f'storage = {{ artifacts = "s3://{bucket}/team" }}\n')

    searched = project.run("search", "cheap.toml")
    assert searched.returncode == 0, searched.stdout
    assert f"s3://{bucket}/team" in searched.stdout
    assert not (project.folder / "artifacts").exists()

    fetched = project.run("fetch", "cheap", "--to", "from-store")
    assert fetched.returncode == 0, fetched.stdout
    manifest = json.loads((project.folder / "from-store" / "manifest.json").read_text())
    assert manifest["backend"] == "jax"
    held = {each["Key"] for each in s3_server.client.list_objects_v2(Bucket=bucket)["Contents"]}
    assert {f"team/{each['artifact_id']}" for each in manifest["files"].values()} <= held
    assert not any("checkpoint" in key or "probe" in key for key in held)

    token = project.write("token.txt", TOKEN + "\n")
    project.write("tokens.txt", f"reader {TOKEN}\n").chmod(0o600)
    server = project.start("serve", "cheap", "--port", "0", "--token-file", "tokens.txt")
    url = wait_for_line(server, "Serving").split(" on ")[1].split()[0]
    refused = project.run("fetch", f"{url}/studies/cheap", "--to", "from-server")
    assert (refused.returncode, len(refused.stdout.splitlines())) == (2, 1)
    assert "wants a token. Set STUDYHALL_TOKEN" in refused.stdout
    came = project.run("fetch", f"{url}/studies/cheap", "--to", "from-server", "--token-file", str(token))
    assert came.returncode == 0, came.stdout
    assert files(project.folder / "from-server") == files(project.folder / "from-store")
    server.terminate()
    output, _ = server.communicate(timeout=30)
    assert server.returncode == 0, output

    project.environment["KERAS_BACKEND"] = "tensorflow"
    evaluated = project.run("evaluate", "from-server", "--rounds", "1", "--samples", "20")
    assert evaluated.returncode == 0, evaluated.stdout

    for said in (searched.stdout, fetched.stdout, refused.stdout, came.stdout, output, evaluated.stdout):
        assert TOKEN not in said
        assert secret not in said


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def secret(s3_server: Any) -> str:
    key: str = s3_server.environment["AWS_SECRET_ACCESS_KEY"]
    return key
