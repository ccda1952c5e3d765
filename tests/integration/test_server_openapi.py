"""The API keeps its footing, whatever it is asked in the terms of its own description."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error

from studyhall.search.server.application import create_application, end_threads
from studyhall.search.server.dashboard import Dashboard
from studyhall.search.server.door.credentials import Credentials, Token
from studyhall.search.server.door.door import Door
from studyhall.search.server.door.identities import Identity, Role
from studyhall.search.server.hall import Hall
from studyhall.studies.artifacts import open_artifact_store
from studyhall.studies.catalogue import Catalogue
from studyhall.studies.definition_file import load_definition
from studyhall.studies.storage import open_storage
from studyhall.studies.study import Study

TOKEN = "reader-token-of-the-tests"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
DEFINITION = """
hypermodel = "studyhall.models:SeparationHyperModel"
data = { source = "synthetic" }
search = { trials = 3 }
"""


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The description of the API, by an application that can be asked."""
    folder: Path = tmp_path_factory.mktemp("served")
    url = f"sqlite:///{folder}/studies.db"
    (folder / "tiny.toml").write_text(DEFINITION)
    storage = open_storage(url, create=True)
    Study.create_or_join(storage, load_definition(folder / "tiny.toml", {}))
    storage.close()
    open_artifact_store(str(folder / "artifacts"), create=True)
    with Catalogue(url) as catalogue:
        hall = Hall(url, catalogue)
        dashboard = Dashboard(hall)
        token = Token(Identity("reader token", Role.READER), TOKEN)
        application = create_application(hall, Door(Credentials(tokens=[token])), dashboard)
        yield schemathesis.openapi.from_asgi("/api/openapi.json", application, headers=HEADERS)
        end_threads(application)
        dashboard.close()


def test_no_question_in_the_terms_of_the_description_makes_the_api_fail(description: Any) -> None:
    operations = [each.ok() for each in description.get_all_operations()]
    assert {"/api/overview", "/metrics"} <= {operation.path for operation in operations}
    for operation in operations:

        @settings(
            max_examples=6,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            for name in (None, "tiny"):
                if name is not None:
                    if "name" not in (case.path_parameters or {}):
                        return
                    case.path_parameters["name"] = name
                answer = case.call(headers=HEADERS)
                assert answer.status_code not in (401, 403)
                case.validate_response(answer, checks=[not_a_server_error])

        ask()
