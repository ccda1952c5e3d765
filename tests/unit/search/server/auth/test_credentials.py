"""Token and password files: what they may hold, who may read them, and how a secret is compared."""

import os
from pathlib import Path

import pytest

from studyhall.search.server.auth.credential_files import read_credentials
from studyhall.search.server.auth.credentials import Credentials
from studyhall.search.server.auth.identities import Identity, Role
from studyhall.search.server.errors import ServerError

READER, OPERATOR = "reader-0123456789-abcdefghij", "operator-0123456789-abcdefg"


def write(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "secrets of 'ours'.txt"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def tokens(folder: Path, text: str) -> Credentials:
    return read_credentials(write(folder, text), None)


def passwords(folder: Path, text: str) -> Credentials:
    return read_credentials(None, write(folder, text))


def test_token_file_gives_each_token_its_role(tmp_path: Path) -> None:
    found = tokens(tmp_path, f"# programs\n\nreader {READER}\n  operator\t{OPERATOR}  \n")
    assert found.of_token(READER) == Identity("reader token", Role.READER)
    assert found.of_token(OPERATOR) == Identity("operator token", Role.OPERATOR)
    for wrong in ("", READER[:-1], READER + "x", READER.swapcase(), f"reader {READER}", "\udcff"):
        assert found.of_token(wrong) is None
    assert not found.has_passwords


def test_password_file_gives_each_person_a_role_and_passwords_may_hold_anything(tmp_path: Path) -> None:
    found = passwords(tmp_path, "ada operator correct horse # battery\nbob@x.org reader pässword\n")
    assert found.of_password("ada", "correct horse # battery") == Identity("ada", Role.OPERATOR)
    assert found.of_password("bob@x.org", "pässword") == Identity("bob@x.org", Role.READER)
    for name, wrong in (
        ("ada", "pässword"),
        ("bob@x.org", "correct horse # battery"),
        ("Ada", "correct horse # battery"),
        ("", ""),
        ("eve", "correct horse # battery"),
    ):
        assert found.of_password(name, wrong) is None
    assert found.of_token("pässword") is None


def test_without_files_there_are_no_credentials() -> None:
    assert not read_credentials(None, None)
    assert read_credentials(None, None).of_token("") is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("# nobody yet\n", "is empty"),
        (f"admin {READER}", "line 1: write 'ROLE TOKEN'"),
        (f"{READER}", "line 1: write 'ROLE TOKEN'"),
        (f"\nreader {READER} {OPERATOR}", "line 2: write 'ROLE TOKEN'"),
        ("reader short-secret", "line 1: a token has at least 20 characters"),
        (f"reader {READER}\noperator {READER}", "line 2: this token appears twice"),
    ],
)
def test_wrong_token_file_is_one_line_that_quotes_no_secret(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ServerError) as caught:
        tokens(tmp_path, text)
    assert told in str(caught.value)
    for secret in (READER, OPERATOR, "short-secret"):
        assert secret not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ada operator", "line 1: write 'NAME ROLE PASSWORD'"),
        ("ada correct-horse-battery operator", "line 1: write 'NAME ROLE PASSWORD'"),
        ("ada/root operator correct-horse-battery", "line 1: a name has letters"),
        ("ada operator eight888", None),
        ("ada operator seven7", "at least 8 characters"),
        (
            "ada reader correct-horse-battery\nada operator another-password",
            "line 2: this name appears twice",
        ),
    ],
)
def test_wrong_password_file_is_one_line_that_quotes_no_secret(
    tmp_path: Path, text: str, told: str | None
) -> None:
    if told is None:
        assert passwords(tmp_path, text)
        return
    with pytest.raises(ServerError) as caught:
        passwords(tmp_path, text)
    assert told in str(caught.value)
    for secret in ("correct-horse-battery", "another-password", "seven7"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666, 0o601])
def test_file_that_others_may_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path, f"reader {READER}\n", mode)
    with pytest.raises(ServerError, match="chmod 600"):
        read_credentials(path, None)


def test_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="no such file"):
        read_credentials(tmp_path / "nobody", None)
    with pytest.raises(ServerError, match="is a directory|not a file"):
        read_credentials(tmp_path, None)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ServerError, match="not a file"):
        read_credentials(None, tmp_path / "pipe")
    binary = write(tmp_path, "")
    binary.write_bytes(b"reader \xff\xfe")
    with pytest.raises(ServerError, match="UTF-8"):
        read_credentials(binary, None)


def test_secrets_show_in_no_representation(tmp_path: Path) -> None:
    found = tokens(tmp_path, f"reader {READER}\n")
    assert READER not in repr(found)
    assert READER not in str(vars(found))


def test_every_entry_is_compared_whether_one_was_found_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = passwords(tmp_path, "\n".join(f"user{n} reader password-{n}" for n in range(4)))
    compared: list[int] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(len(one) + len(other))
        return one == other

    monkeypatch.setattr("studyhall.search.server.auth.credentials.hmac.compare_digest", compare)
    work = []
    for name, secret in (
        ("user0", "password-0"),
        ("user3", "password-3"),
        ("eve", "x"),
        ("user0", "no" * 500),
    ):
        compared.clear()
        found.of_password(name, secret)
        work.append(list(compared))
    assert work == [[64] * 8] * 4
