"""Versions that go together, and those that do not."""

import pytest

from studyhall.studies.errors import StudyConflictError
from studyhall.studies.study.versions import installed, remark, require_compatible

HERE = {
    "studyhall": "0.3.1",
    "keras": "3.15.1",
    "keras-tuner": "1.4.8",
    "optuna": "5.1.0",
    "tensorflow": "2.21.0",
    "numpy": "2.1",
}


def test_what_is_installed_is_known_by_name() -> None:
    assert {"python", "studyhall", "keras", "optuna"} <= installed().keys()


@pytest.mark.parametrize(
    "created",
    [
        {},
        HERE,
        HERE | {"studyhall": "0.3.9"},
        HERE | {"optuna": "5.0.0rc1"},
        HERE | {"numpy": "1.0"},
        {"jax": "0.6"},
    ],
)
def test_study_of_the_same_release_is_worked_on(created: dict[str, str]) -> None:
    require_compatible("bss", created, HERE)


@pytest.mark.parametrize(
    ("created", "words"),
    [
        (
            {"studyhall": "0.2.7"},
            "with studyhall 0.2.7, and here is studyhall 0.3.1. Work on it with: .*'studyhall==0.2.*'",
        ),
        ({"studyhall": "1.3.1"}, "'studyhall==1.3.*'"),
        ({"optuna": "4.6.0"}, "with optuna 4.6.0, and here is optuna 5.1.0. .*'optuna==4.*'"),
        ({"optuna": "51.0"}, "'optuna==51.*'"),
    ],
)
def test_study_of_another_release_is_refused_with_what_to_install(
    created: dict[str, str], words: str
) -> None:
    with pytest.raises(StudyConflictError, match=words) as caught:
        require_compatible("bss", HERE | created, HERE)
    assert "\n" not in str(caught.value)


def test_other_frameworks_are_remarked_on_in_one_line() -> None:
    created = HERE | {"keras": "3.14.0", "tensorflow": "2.21.9", "numpy": "1.0", "jax": "0.6"}
    assert (
        remark(created, HERE)
        == "other versions than the study was created with: keras 3.15.1 (the study: 3.14.0)"
    )
    assert remark(HERE, HERE) is None
    assert remark({}, HERE) is None
