"""Messages, help and documents are plain English, with the field's words, one for each thing."""

import re
import shlex
from pathlib import Path

import click
import pytest

from studyhall.search.commands.group import COMMANDS, cli
from tests.messages import documents, messages

NO_ENGLISH = re.compile(
    r"""\b(
    gone\ on\ with | goes\ on\ from | [Gg]o\ on\ with: | [Mm]end\ (it|the|or|~) | (is|are)\ given\ up
    | says\ nothing\ of | nobody\ knows | (is|it|are)\ no\ (text|number|bundle|CSV|option|token|folder|image)\b
    | cannot\ be\ had | for\ want\ of | by\ now\b | comes?\ in\ (and|with) | could\ come\ in | not\ heard\ of
    | make\ it\ your\ own | passes\ over | trials?\ that\ waited | [Bb]e(st)?\ compromises? | dealt\ out
    | look\ at\ its\ disk | by\ nothing | nothing\ to\ end | as\ many$ | people\ were | means\ nothing\ to | cannot\ do\ without | is\ not\ said | why\ is\ said
    )""",
    re.VERBOSE,
)
"""What is not English, or another word than the one that is used everywhere else; add what you find."""


def test_no_message_is_translated_word_for_word(repository: Path) -> None:
    odd = [f"{each.place}: {each.text}" for each in messages(repository) if NO_ENGLISH.search(each.text)]
    assert odd == []


def test_no_document_is_translated_word_for_word(repository: Path) -> None:
    odd = [f"{each.place}: {each.text}" for each in documents(repository) if NO_ENGLISH.search(each.text)]
    assert odd == []


def test_the_list_has_texts_of_errors_help_settings_and_pages(repository: Path) -> None:
    found = [each.text for each in messages(repository)]
    for part in (
        "There is no database {address.shown}{hint} Create it with: studyhall search STUDY.toml",
        "Print JSON, for programs.",
        "A note for people.",
        "Log in to Studyhall",
    ):
        assert part in found
    assert any(text.startswith("Show how STUDY stands") for text in found)  # a command's help
    assert not any("Every error that Studyhall raises" in text for text in found)  # a docstring


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_of_the_help_have_options_that_there_are_and_files_that_init_writes(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    examples = re.findall(r"^ +(studyhall .*)$", command.epilog or "", re.MULTILINE)
    assert examples
    for example in examples:
        studyhall, given, *arguments = shlex.split(example, comments=True)
        assert (studyhall, given) == ("studyhall", name)
        command.make_context(name, arguments)
        assert not re.search(r"\bstudies/[\w-]+\.toml", example), "only a checkout has that file"
