"""What a person means by STUDY."""

from pathlib import Path

import pytest

from studyhall.studies.errors import DefinitionError
from studyhall.studies.study_file.reference import StudyReference, resolve_study


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


@pytest.mark.parametrize("mistyped", ["elsewhere.tml", "elsewhere.tolm", "elsewhere.tom"])
def test_a_mistyped_ending_is_that_of_a_file_even_where_none_is_like_it(mistyped: str) -> None:
    with pytest.raises(DefinitionError, match=rf"and {mistyped} does not; give the path of a study's TOML"):
        resolve_study(mistyped, None)


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


def test_a_name_that_no_study_can_have_is_remembered_beside_the_one_that_was_made_of_it(here: Path) -> None:
    for name in ("my study", "half-hour"):
        (here / f"{name}.toml").write_text('hypermodel = "studyhall.models:SeparationHyperModel"\n')
    assert (resolve_study("my study.toml", None).name, resolve_study("my study.toml", None).asked) == (
        "my-study",
        "my study",
    )
    assert resolve_study("half-hour.toml", None).asked is None


def test_database_beside_or_above_the_study_file_is_found_from_elsewhere_unless_there_is_one_here(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "elsewhere").mkdir()
    study = here / "studies" / "half-hour.toml"
    study.write_text('hypermodel = "studyhall.models:SeparationHyperModel"\n')
    monkeypatch.chdir(here / "elsewhere")

    def found() -> StudyReference:
        return resolve_study(str(study), None, existing=True)

    assert found().storage_url == "sqlite:///studies.db"
    (here / "studies.db").touch()
    assert found().storage_url == f"sqlite:///{here}/studies.db"
    (here / "studies" / "studies.db").touch()
    assert (found().storage_url, found().artifacts) == (
        f"sqlite:///{here}/studies/studies.db",
        f"{here}/studies/artifacts",
    )
    assert resolve_study(str(study), "mine.db", existing=True).storage_url == "mine.db"
    assert (
        resolve_study(str(study), None).storage_url == "sqlite:///studies.db"
    )  # what creates a study does so here
    (here / "elsewhere" / "studies.db").touch()
    assert found().storage_url == "sqlite:///studies.db"
