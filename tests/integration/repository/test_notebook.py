"""The notebook: it runs from its first cell to its last, and is kept as a person finds it best, without
outputs.
"""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[3] / "studies" / "separation.ipynb"
# Drawn shapes, and a small part of the study.
PARAMETERS = '\nSOURCE = "synthetic"\nSCALE = 0.1\nFOLDER = Path("a study\'s folder")\n'


def read() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]


def cells(notebook: Any) -> dict[str, Any]:
    return {cell.id: cell for cell in notebook.cells}


def text_of(cell: Any) -> str:
    return "\n".join(output.get("text") or output["data"]["text/plain"] for output in cell.outputs)


def test_notebook_runs_a_study_and_shows_what_its_model_separates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")  # without it jupyter warns of folders that it will move
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    notebook = read()
    (parameters,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    parameters.source += PARAMETERS
    (tmp_path / "a study's folder").mkdir()

    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}}).execute()

    done = cells(notebook)
    assert "trial 0" in text_of(done["search"])
    assert "notebook" in text_of(done["status"])
    assert text_of(done["trials"]).startswith("[(0, 'COMPLETE', 0.")
    assert "'scale': 0.1" in text_of(done["fetch"])
    assert (tmp_path / "a study's folder" / "best" / "model.keras").is_file()
    for name in ("data", "figures", "separations"):
        assert any("image/png" in output.get("data", {}) for output in done[name].outputs), name


def test_notebook_is_kept_without_outputs_and_without_anybodys_folders() -> None:
    notebook = read()
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert re.search(r"(?<![\w:.])/(home|Users|root|work|tmp|var|mnt)\b", NOTEBOOK.read_text()) is None
