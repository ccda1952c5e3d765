"""Where a result comes from: package versions, source revision, Keras backend and device."""

import os
import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from studyhall.studies.database.attributes import BACKEND, DEVICE, PACKAGES, REVISION
from studyhall.studies.study.versions import installed


@cache
def revision(folder: Path) -> str | None:
    """Return the Git commit of the folder's sources, with "+changes" where they differ from it.

    None where the folder is in no Git repository or Git is not installed.
    """

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        return commit + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


@cache
def device() -> str:
    """Return the name of what Keras trains on here, such as "gpu:0 NVIDIA H200" or "cpu x86_64 (2 cores)"."""
    import keras

    accelerators = [name for name in keras.distribution.list_devices() if not name.lower().startswith("cpu")]
    if not accelerators:
        return f"cpu {platform.machine()} ({os.cpu_count()} cores)"
    return ", ".join(f"{name} {_gpu_name(index)}".strip() for index, name in enumerate(accelerators))


def _gpu_name(index: int) -> str:
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return str(jax.devices()[index].device_kind)
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        gpu = tensorflow.config.list_physical_devices("GPU")[index]
        return str(tensorflow.config.experimental.get_device_details(gpu).get("device_name", ""))
    return ""


def facts(folder: Path) -> dict[str, Any]:
    """Return all of it, by the names that trials and bundles have for it.

    Args:
        folder: Where the sources are.
    """
    import keras

    return {
        BACKEND: keras.backend.backend(),
        DEVICE: device(),
        PACKAGES: installed(),
        REVISION: revision(folder),
    }
