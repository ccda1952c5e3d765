"""What is said of a name that there is not."""

import pytest

from studyhall.did_you_mean import did_you_mean


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("trial", "did you mean 'trials'?"),
        ("zzz", "there is trials, epochs"),
    ],
)
def test_a_close_name_is_asked_for_and_else_all_are_listed(name: str, said: str) -> None:
    assert did_you_mean(name, ["trials", "epochs"]) == said


def test_nothing_is_said_where_there_is_no_name() -> None:
    assert did_you_mean("trials", []) == ""


def test_several_close_names_are_shown_the_closest_first() -> None:
    assert did_you_mean("seed-03", ["other", "seed-0300", "seed-003"], most=2) == (
        "did you mean 'seed-003' or 'seed-0300'?"
    )


def test_names_are_compared_by_what_stands_for_them_and_each_is_listed_once() -> None:
    known = {"median": "MedianPruner", "asha": "HalvingPruner", "halving": "HalvingPruner"}
    assert did_you_mean("medain", known, shown=known) == "did you mean 'MedianPruner'?"
    assert did_you_mean("zzz", known, shown=known) == "there is MedianPruner, HalvingPruner"


def test_a_long_list_is_cut() -> None:
    assert did_you_mean("zzz", [f"{number}" for number in range(22)]).endswith("18, 19 and 2 more")
