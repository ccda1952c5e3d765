"""The manifest: what a bundle says of its model, and the checksums of its files."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    model_validator,
)
from pydantic_core import from_json

from studyhall.studies.artifacts.store import ARTIFACT_ID
from studyhall.studies.errors import BundleError, BundleRequestError
from studyhall.studies.files import explain, sha256_of
from studyhall.studies.json_text import to_json
from studyhall.studies.values import Value

MANIFEST = "manifest.json"
MODEL = "model.keras"
HISTORY = "history.json"
FORMAT = 1
"""Of the manifest: goes up when a Studyhall that knows the old one could not read the new one."""


def plain_name(name: str) -> str:
    """Return a file's name as it is, if it is one that cannot lead out of the folder it is put in.

    Raises:
        ValueError: It has a separator, is hidden, or holds what cannot be shown.
    """
    if (
        not name
        or name.startswith(".")
        or name != name.strip()
        or not name.isprintable()
        or any(separator in name for separator in "/\\:")
        or len(name.encode()) > 200  # bytes; a name on disk has at most 255
    ):
        raise ValueError(f"{name[:100]!r} is not a plain file name")
    return name


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FileEntry(_Frozen):
    """One file of a bundle."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)
    """In bytes."""
    artifact_id: str = Field(pattern=f"^{ARTIFACT_ID}$")
    """Where its bytes are in the study's artifact store."""


Files = Annotated[dict[Annotated[str, AfterValidator(plain_name)], FileEntry], Field(min_length=1)]


class Loading(_Frozen):
    """What loading a model needs beyond `keras.models.load_model(path)`."""

    safe_mode: bool = True
    """False: it holds Python code, which `load_model(path, safe_mode=False)` runs.

    Do that only if you trust its author.
    """
    compile: bool = True
    """False: it loads with `compile=False` alone, and can predict but not train."""
    modules: tuple[str, ...] = ()
    """Of its author's project, to be imported first."""
    custom_objects: tuple[str, ...] = ()
    """Names in those modules, for `load_model(path, custom_objects={name: object})`."""

    def in_words(self) -> str:
        """Say what it needs, in one line."""
        parts = [f"import {', '.join(self.modules)}"] if self.modules else []
        parts += [f"custom_objects of {', '.join(self.custom_objects)}"] if self.custom_objects else []
        parts += [] if self.safe_mode else ["safe_mode=False, which runs code that the file holds"]
        parts += [] if self.compile else ["compile=False"]
        return "; ".join(parts)


class Facts(_Frozen):
    """What a publisher knows of its model: all of a manifest but what publishing adds."""

    study: str = Field(min_length=1)
    definition: dict[str, JsonValue]
    """The study's definition with every default, as it was signed."""
    scale: float = Field(default=1.0, gt=0, le=1)
    """What the study file's budget was multiplied by; the definition holds the numbers that this left."""
    signature: str
    hyperparameters: dict[str, Value]
    """By KerasTuner's names, with the real values that the model was built with."""
    source: Literal["retrained", "trial"]
    """Whether the weights come from retraining, or are the best trial's own."""
    why: str
    """The reason for `source`, in words."""
    trial: int = Field(ge=0)
    """The number of the trial that the hyperparameters are from."""
    parameters: int = Field(ge=0)
    """How many numbers the network holds, as Keras counts them."""
    seeds: dict[str, int]
    data_fingerprint: str
    versions: dict[str, str]
    """Of Python and of each package that matters."""
    revision: str | None
    """Of the source code; None where it is not known."""
    backend: str
    device: str
    metrics: dict[str, JsonValue]
    """By name, for example `validation`, `trial_validation` and `test`."""
    loading: Loading | None = None
    """What loading the model needs; None where `keras.models.load_model(path)` is all."""


class Manifest(Facts):
    """The content of `manifest.json`; enough to check the bundle, and to train its model again."""

    format: Literal[1] = 1  # FORMAT
    created: AwareDatetime
    """When it was published, in UTC."""
    files: Files
    """Every other file of the bundle, by name."""

    @model_validator(mode="after")
    def _check_names(self) -> "Manifest":
        for name in (MODEL, HISTORY):
            if name not in self.files:
                raise ValueError(f"a bundle needs {name}")
        folded = [name.casefold() for name in (*self.files, MANIFEST)]
        if len(set(folded)) < len(folded):  # they would overwrite each other where case does not count
            raise ValueError(f"two files of a bundle have one name: {', '.join(sorted(self.files))}")
        return self

    def content(self) -> dict[str, Any]:
        """Return what `manifest.json` holds."""
        # Left out where there is nothing to say, so that older versions can read it.
        return self.model_dump(mode="json", exclude={"loading"} if self.loading is None else None)

    def to_json(self) -> str:
        """Return the text of `manifest.json`."""
        return to_json(self.content(), indent=2, ensure_ascii=False) + "\n"


def utc_now() -> datetime:
    """Return the present moment in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def first_problem(error: ValidationError) -> str:
    """Return the first thing that a validation found, in one line."""
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    return " ".join(f"{where}: {problem['msg']}".removeprefix(": ").split())


def parse_manifest(text: bytes, where: str) -> Manifest:
    """Read a manifest.

    Args:
        text: The content of a `manifest.json`.
        where: What to call it in an error.

    Raises:
        BundleError: It is not a manifest, or one of a later format.
    """
    try:
        content: Any = from_json(text)
    except ValueError as error:
        raise BundleError(f"{where} is not JSON: {error}. Fetch the bundle again.") from error
    found = content.get("format") if isinstance(content, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise BundleError(f"{where} has format {found}, from a later Studyhall than this. Upgrade studyhall.")
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise BundleError(
            f"{where} is not a bundle's manifest ({first_problem(error)}). Fetch the bundle again."
        ) from error


def load_manifest(folder: Path) -> Manifest:
    """Read the manifest of a bundle that is in a folder, without looking at the other files.

    Raises:
        BundleError: The folder holds no bundle, or its manifest cannot be read.
    """
    path = folder / MANIFEST
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BundleRequestError(
            f"{str(folder)!r} is not a bundle: it has no {MANIFEST}. Fetch one with: studyhall fetch STUDY --to DIR"
        ) from error
    except OSError as error:
        raise BundleError(f"Cannot read {str(path)!r}: {explain(error)}") from error
    return parse_manifest(text, repr(str(path)))


def verify(folder: Path) -> Manifest:
    """Check every file of a bundle in a folder against the manifest, and return the manifest.

    Files that the manifest does not name are left out of it: people keep notes beside a model.

    Raises:
        BundleError: A file is missing, or is not the one that was published.
    """
    manifest = load_manifest(folder)
    for name, entry in manifest.files.items():
        path = folder / name
        try:
            size, sha256 = path.stat().st_size, sha256_of(path)
        except FileNotFoundError as error:
            raise BundleError(f"The bundle {str(folder)!r} lacks {name}. Fetch it again.") from error
        except OSError as error:
            raise BundleError(f"Cannot read {str(path)!r}: {explain(error)}") from error
        if (size, sha256) != (entry.size, entry.sha256):
            raise BundleError(
                f"{name} in the bundle {str(folder)!r} is not the file that was published: its SHA-256 differs. "
                "Fetch it again."
            )
    return manifest
