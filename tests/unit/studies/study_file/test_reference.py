"""What a person means by STUDY."""

from pathlib import Path

import pytest

from studyhall.studies.errors import DefinitionError
from studyhall.studies.study_file.reference import resolve_study


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "studies").mkdir()
    for folder in (tmp_path, tmp_path / "studies"):
        (folder / "half-hour.toml").write_text('name = "half-hour"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["half-hour", "half.hour", "v1.2", "elsewhere/study"])
def test_what_is_no_path_names_a_study(name: str) -> None:
    assert resolve_study(name, None).name == name


def test_a_folder_of_a_studys_name_hides_no_study(here: Path) -> None:
    (here / "bss").mkdir()
    assert resolve_study("bss", None).name == "bss"


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [
        ("half-hour.tml", "half-hour.toml"),
        ("studies/half-hour.tml", "studies/half-hour.toml"),
        ("studies/half-hour", "studies/half-hour.toml"),
    ],
)
def test_a_mistyped_file_is_told_apart_from_a_name(mistyped: str, meant: str) -> None:
    with pytest.raises(
        DefinitionError, match=rf"ends in \.toml, and {mistyped} does not; did you mean '{meant}'\?"
    ):
        resolve_study(mistyped, None)


def test_a_file_of_another_kind_is_no_study(here: Path) -> None:
    (here / "model.py").write_text("")
    with pytest.raises(DefinitionError, match=r"and model\.py does not; give the path of a study's TOML"):
        resolve_study("model.py", None)
