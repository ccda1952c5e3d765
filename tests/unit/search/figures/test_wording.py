"""Numbers and names on figures are short, and fit where they are put."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyhall.search.figures.wording import compact, count, short, shown_value, wrapped


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (128, "128"),
        (0.0035, "0.0035"),
        (3.857e-4, "3.857e-4"),
        (1e-5, "1e-5"),
        (123456, "1.235e5"),
        (-2.5, "-2.5"),
    ],
)
def test_number_is_written_in_few_letters(number: float, text: str) -> None:
    assert compact(number) == text


def test_value_of_a_hyperparameter_is_shown_as_people_write_it() -> None:
    assert [shown_value(value) for value in (True, "relu", 64, 1e-4)] == ["True", "relu", "64", "1e-4"]


def test_long_name_keeps_both_its_ends() -> None:
    assert short("output_activation [head=independent]", 20) == "output_activ…endent]"


@given(st.text(), st.integers(4, 40), st.integers(1, 5))
def test_any_name_fits_its_place(text: str, letters: int, lines: int) -> None:
    assert len(short(text, letters)) <= letters
    rows = wrapped(text, letters, lines).split("\n")
    assert len(rows) <= lines
    assert all(len(row) <= letters for row in rows)


def test_name_breaks_where_its_parts_meet() -> None:
    assert wrapped("output_activation [head=independent|depthwise]", 16, 5).split("\n") == [
        "output_",
        "activation",
        "[head=",
        "independent|",
        "depthwise]",
    ]


def test_one_trial_is_not_trials() -> None:
    assert (count(1, "trial"), count(1200, "trial")) == ("1 trial", "1,200 trials")
