"""The API keeps its footing, whatever it is asked in the terms of its own description."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error

from studyhall.search.server.application import create_application, end_threads
from studyhall.search.server.auth.access import Access
from studyhall.search.server.auth.credentials import Credentials, Token
from studyhall.search.server.auth.identities import Identity, Role
from studyhall.search.server.dashboard import Dashboard
from studyhall.search.server.served import Served
from studyhall.studies.status.catalogue import Catalogue
from tests.support.examples import share_of_examples

TOKEN = "reader-token-of-the-tests"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
OBJECTIVES = [{"metric": "val_loss"}, {"metric": "val_acc", "direction": "maximize"}]
STUDIES = ("waiting", "busy", "several", "published")


def fill(site: Any) -> None:
    """Make studies in every state: without a trial that ended, amid its work, of several objectives, and
    published.
    """
    site.study("waiting")
    busy = site.study("busy", trials=8)
    best = site.claim(busy, (0.5, 0.25), hyperparameters={"filters": 8, "rate": 1e-3}, device="cpu")
    busy.results.complete(best, 0.25)
    busy.results.prune(site.claim(busy, (0.9,)))
    busy.results.prune(site.claim(busy, (0.1, 0.9)), 0.1)
    busy.results.fail(site.claim(busy), "oom", "the device ran out of memory")
    busy.results.fail(site.claim(busy, (0.7, float("nan"))), "nan", "val_loss is nan after epoch 2")
    busy.workers.register("w1", host="node", pid=7, device="gpu:0 NVIDIA H200")
    running = site.claim(busy, (0.8, 0.3), worker="w1", hyperparameters={"filters": 16})
    busy.trials.renew(busy.trials.lease_of(running), epoch=2, images_per_second=1000.0)
    several = site.study("several", trials=4, objective=OBJECTIVES)
    several.results.complete(site.claim(several, history={"val_loss": [0.5]}), 0.5, 0.75)
    several.results.complete(site.claim(several), 0.25, 0.5)
    several.results.fail(site.claim(several), "crashed", "the training process ended with status 1")
    published = site.study("published", trials=1)
    published.results.complete(site.claim(published, (0.5,), history={"val_loss": [0.5, None]}), 0.5)
    site.publish(published)


@pytest.fixture(scope="module")
def description(new_site: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The description of the API, by an application that can be asked."""
    site = new_site(tmp_path_factory.mktemp("served"))
    fill(site)
    with Catalogue(site.url) as catalogue:
        hall = Served(site.url, catalogue)
        dashboard = Dashboard(hall)
        token = Token(Identity("reader token", Role.READER), TOKEN)
        application = create_application(hall, Access(Credentials(tokens=[token])), dashboard)
        yield schemathesis.openapi.from_asgi("/api/openapi.json", application, headers=HEADERS)
        end_threads(application)
        dashboard.close()
    site.close()


def test_no_question_in_the_terms_of_the_description_makes_the_api_fail(description: Any) -> None:
    operations = [each.ok() for each in description.get_all_operations()]
    assert {"/api/overview", "/metrics"} <= {operation.path for operation in operations}
    for operation in operations:

        @settings(
            share_of_examples(1 / 16),
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            for name in (None, *STUDIES):
                if name is not None:
                    if "name" not in (case.path_parameters or {}):
                        return
                    case.path_parameters["name"] = name
                answer = case.call(headers=HEADERS)
                assert answer.status_code not in (401, 403)
                case.validate_response(answer, checks=[not_a_server_error])

        ask()
