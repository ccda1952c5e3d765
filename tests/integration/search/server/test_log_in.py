"""The access before every route, ours and the dashboard's, as the application itself lists them."""

import asyncio
import hashlib
import logging
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from studyhall.search.server.application import create_application, end_threads
from studyhall.search.server.auth.access import Access
from studyhall.search.server.auth.credentials import Credentials, Password, Token
from studyhall.search.server.auth.identities import Identity, Role
from studyhall.search.server.auth.middleware import AuthMiddleware
from studyhall.search.server.auth.throttling import Throttle
from studyhall.search.server.dashboard import Dashboard
from studyhall.search.server.served import Served
from studyhall.studies.artifacts.attachments import attach
from studyhall.studies.artifacts.opening import open_artifact_store
from studyhall.studies.status.catalogue import Catalogue
from studyhall.studies.storage.study_storage import open_storage
from studyhall.studies.study.study import Study
from studyhall.studies.study_file.loading import load_definition

DEFINITION = """
hypermodel = "studyhall.models:SeparationHyperModel"
data = { source = "synthetic" }
search = { trials = 3 }
"""
READER, OPERATOR = "reader-token-of-the-tests", "operator-token-of-the-tests"
PASSWORDS = {"bob": "battery staple", "ada": "correct horse"}
OPEN = {"/login", "/healthz", "/readyz", "/static/studyhall/{file}"}  # to read
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
OWN_PAGE = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
# What would change something, if it got through.
BODIES: dict[str, Any] = {
    "PUT /api/studies/<study_id:int>/note": {"version": 2, "body": "changed"},  # a new study has one already
    "PUT /api/studies/<study_id:int>/<trial_id:int>/note": {"version": 1, "body": "changed"},
    "POST /api/studies": {"study_name": "another", "directions": ["minimize"]},
    "POST /api/studies/<study_id:int>/rename": {"study_name": "another"},
    "POST /api/studies/<study_id:int>/preference": {"mode": "ChooseWorst", "candidates": [1], "clicked": 1},
    "PUT /api/studies/<study_id:int>/preference_feedback_component": {"output_type": "note"},
    "POST /api/trials/<trial_id:int>/tell": {"state": "Fail"},
    "POST /api/trials/<trial_id:int>/user-attrs": {"user_attrs": {"x": 1}},
    "POST /api/artifacts/<study_id:int>": {"file": "data:text/plain;base64,eA==", "filename": "x.txt"},
    "POST /api/artifacts/<study_id:int>/<trial_id:int>": {
        "file": "data:text/plain;base64,eA==",
        "filename": "x.txt",
    },
}


def access(throttle: Throttle | None = None) -> Access:
    """A access for a reader and an operator, each with a password and a token."""
    bob, ada = Identity("bob", Role.READER), Identity("ada", Role.OPERATOR)
    passwords = [Password(each, PASSWORDS[each.name]) for each in (bob, ada)]
    tokens = [
        Token(Identity("reader token", Role.READER), READER),
        Token(Identity("operator token", Role.OPERATOR), OPERATOR),
    ]
    return Access(Credentials(passwords, tokens), throttle=throttle or Throttle())


@dataclass(frozen=True)
class Call:
    """A route of the application, as somebody could ask for it."""

    method: str
    route: str
    path: str

    @property
    def changes(self) -> bool:
        return self.method not in ("GET", "HEAD")

    @property
    def is_open(self) -> bool:
        return self.route in OPEN or (self.route, self.method) == ("/logout", "POST")

    @property
    def is_login(self) -> bool:
        return (self.route, self.method) == ("/login", "POST")

    def __str__(self) -> str:
        return f"{self.method} {self.route}"


class House:
    """A study with files on an SQLite database, and the application in front of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "studies.db"
        self.url = f"sqlite:///{self.database}"
        self.study_id, self.trial_id, self.artifact_id, self.study_artifact_id = 1, 1, "", ""

    def build(self) -> None:
        (self.folder / "tiny.toml").write_text(DEFINITION)
        storage = open_storage(self.url, create=True)
        store = open_artifact_store(str(self.folder / "artifacts"), create=True)
        study = Study.create_or_join(storage, load_definition(self.folder / "tiny.toml", {}))
        trial = storage.get_all_trials(study.id)[0]
        self.study_id, self.trial_id = study.id, trial._trial_id
        picture = attach(storage, store, b"<svg/>", trial_id=self.trial_id, filename="predictions.svg")
        file = attach(storage, store, b"<p>hi", study_id=self.study_id, filename="report.html")
        self.artifact_id, self.study_artifact_id = picture.artifact_id, file.artifact_id
        storage.close()

    def copy(self, folder: Path) -> "House":
        shutil.copytree(self.folder, folder)
        other = House(folder)
        other.study_id, other.trial_id = self.study_id, self.trial_id
        other.artifact_id, other.study_artifact_id = self.artifact_id, self.study_artifact_id
        return other

    def contents(self) -> str:
        """A digest of all rows of the database, and of the files."""
        with sqlite3.connect(self.database) as connection:
            text = "\n".join(connection.iterdump())
        connection.close()
        files = sorted((path.name, path.read_bytes()) for path in (self.folder / "artifacts").iterdir())
        return hashlib.sha256(f"{text}\n{files}".encode()).hexdigest()


class Client:
    """Asks an application in this process, one request after another, and keeps its cookies."""

    def __init__(self, application: Any, base_url: str) -> None:
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(application, client=("10.0.0.9", 1234))
        self._client = httpx.AsyncClient(transport=transport, base_url=base_url)
        self.application = application
        self.cookies = self._client.cookies

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._runner.run(self._client.request(method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def put(self, path: str, **options: Any) -> httpx.Response:
        return self.request("PUT", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)

    def raw(self, method: str, path: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Ask for a path exactly as it is written, without what a client adds; return the status and the
        body.
        """
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("10.0.0.9", 1234),
            "server": ("localhost", 80),
        }
        statuses: list[int] = []
        body = bytearray()

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            else:
                body.extend(message.get("body", b""))

        self._runner.run(self.application(scope, receive, send))
        return statuses[0], bytes(body)

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


@dataclass
class ServedHouse:
    """A house with its access, and a client that asks from this machine."""

    house: House
    application: Any
    dashboard: Dashboard
    client: Client

    def calls(self) -> list[Call]:
        """Every route of the application, and every route of the dashboard that is mounted in it."""
        ours = [
            Call(method, route.path, self._fill(route.path))
            for route in iter_route_contexts(self.application.routes)
            if route.path
            for method in sorted(route.methods or ())
        ]
        theirs = [Call(each.method, each.rule, self._fill(each.rule)) for each in self.dashboard.routes]
        return ours + theirs

    def _fill(self, rule: str) -> str:
        artifact = self.house.artifact_id if "<trial_id" in rule else self.house.study_artifact_id
        values = {
            "study_id": str(self.house.study_id),
            "trial_id": str(self.house.trial_id),
            "artifact_id": artifact,
            "plot_type": "edf",
            "history_id": "0",
            "filename": "bundle.js.LICENSE.txt",
            "name": "tiny",
            "file": "model.keras",
            "": "",
        }
        rule = re.sub(r"<(\w*)(:[^<>]*)?>", lambda found: values[found[1]], rule)
        return re.sub(r"{(\w+)(:\w+)?}", lambda found: values[found[1]], rule)

    def ask(self, call: Call, **headers: str) -> Any:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(call.method, call.path, json=BODIES.get(str(call)), headers=names)

    def log_in(self, name: str, password: str, **fields: str) -> Any:
        form = {"name": name, "password": password} | fields
        return self.client.post("/login", data=form, headers=OWN_PAGE)


class Opened:
    """What serves a house, whoever stands at its access."""

    def __init__(self, house: House, things: ExitStack) -> None:
        self.house = house
        self.served = Served(house.url, things.enter_context(Catalogue(house.url)))
        self.dashboard = Dashboard(self.served)
        things.callback(self.dashboard.close)

    def behind(self, access: Access, things: ExitStack, base_url: str = "http://localhost") -> ServedHouse:
        application = create_application(self.served, access, self.dashboard)
        things.callback(end_threads, application)
        client = Client(application, base_url)
        things.callback(client.close)
        return ServedHouse(self.house, application, self.dashboard, client)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> House:
    house = House(tmp_path_factory.mktemp("house"))
    house.build()
    return house


@pytest.fixture(scope="module")
def opened(template: House) -> Iterator[Opened]:
    """The house that tests share, which none of them may change."""
    with ExitStack() as things:
        yield Opened(template, things)


@pytest.fixture
def serve(opened: Opened) -> Iterator[Callable[..., ServedHouse]]:
    before = opened.house.contents()
    with ExitStack() as things:
        yield lambda access, **options: opened.behind(access, things, **options)
    assert opened.house.contents() == before


@pytest.fixture
def served(serve: Callable[..., ServedHouse]) -> ServedHouse:
    return serve(access())


@pytest.fixture
def own(template: House, tmp_path: Path) -> Iterator[Callable[[Access], ServedHouse]]:
    """A house that the test may change."""
    with ExitStack() as things:
        yield lambda access: Opened(template.copy(tmp_path / "house"), things).behind(access, things)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_both_lists_of_routes_are_whole(served: ServedHouse) -> None:
    calls = {str(call) for call in served.calls()}
    assert {
        "GET /studies/{name:page}",
        "GET /metrics",
        "GET /healthz",
        "POST /login",
        "GET /api/openapi.json",
    } <= calls
    assert {"DELETE /api/studies/<study_id:int>", "POST /api/trials/<trial_id:int>/tell"} <= calls
    assert len(calls) > 40
    assert BODIES.keys() <= calls


def test_dashboard_changes_nothing_with_a_get(served: ServedHouse) -> None:
    # Read in its source. A new one must be read, too, before readers may have it.
    assert {route.rule for route in served.dashboard.routes if not route.changes} == {
        "/",
        "/dashboard<:re:(/.*)?>",
        "/api/meta",
        "/api/studies",
        "/api/studies/<study_id:int>",
        "/api/studies/<study_id:int>/param_importances",
        "/api/studies/<study_id:int>/plot/<plot_type>",
        "/csv/<study_id:int>",
        "/favicon.ico",
        "/static/<filename:path>",
        "/incompatible-rdb-schema",
        "/artifacts/<study_id:int>/<artifact_id:re:[0-9a-fA-F-]+>",
        "/artifacts/<study_id:int>/<trial_id:int>/<artifact_id:re:[0-9a-fA-F-]+>",
    }


def test_without_credentials_every_route_asks_for_them(served: ServedHouse) -> None:
    for call in served.calls():
        if call.is_login:
            continue
        if call.is_open:
            assert served.ask(call).status_code not in (401, 403), call
            continue
        for token in ({}, bearer("x" * 30) if call.path == "/api/studies" else {}):
            answer = served.ask(call, **token)
            assert answer.status_code == 401, call
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert call.method == "HEAD" or answer.json().keys() == {"detail"}
        answer = served.ask(call, **BROWSER)
        if call.changes:
            assert answer.status_code == 401, call
        else:
            assert answer.status_code == 303, call
            assert answer.headers["Location"].startswith("/login?next=%2F"), call


def test_reader_sees_everything_and_changes_nothing(served: ServedHouse) -> None:
    for call in served.calls():
        if call.is_login:
            continue
        answer = served.ask(call, **bearer(READER))
        if call.changes and not call.is_open:
            assert answer.status_code == 403, call
        else:
            assert answer.status_code not in (401, 403), call


def test_reader_changes_nothing_by_a_method_or_a_path_that_no_list_has(served: ServedHouse) -> None:
    for path in sorted({call.path for call in served.calls() if not call.is_open}):
        for method in ("PATCH", "OPTIONS", "TRACE", "BREW", "delete"):
            for each in (path, f"{path}/"):
                answer = served.client.request(method, each, headers=bearer(READER), json={})
                assert answer.status_code == 403, (method, each)
    override = {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"}
    served.client.get("/api/studies/1?_method=DELETE", headers=bearer(READER) | override)


def test_operator_is_let_in_everywhere(own: Callable[[Access], ServedHouse]) -> None:
    served = own(access())
    # What deletes things comes last, so that the others find something to work on.
    calls = [call for call in served.calls() if not call.is_login]
    for call in sorted(calls, key=lambda call: (call.method == "DELETE", "rename" in call.route)):
        assert served.ask(call, **bearer(OPERATOR)).status_code not in (401, 403), call


def test_operator_changes_a_study_in_the_dashboard(own: Callable[[Access], ServedHouse]) -> None:
    served = own(access())
    study = f"/api/studies/{served.house.study_id}"
    note = BODIES["PUT /api/studies/<study_id:int>/note"]
    assert served.client.put(f"{study}/note", json=note, headers=bearer(OPERATOR)).status_code == 204
    assert served.client.get(study, headers=bearer(READER)).json()["note"]["body"] == "changed"
    assert served.client.delete(study, headers=bearer(OPERATOR)).status_code == 204
    assert served.client.get("/api/studies", headers=bearer(READER)).json() == {"study_summaries": []}
    assert list((served.house.folder / "artifacts").iterdir()) == []


@pytest.mark.parametrize(("name", "may_change"), [("bob", False), ("ada", True)])
def test_password_opens_a_session_with_its_role(
    own: Callable[[Access], ServedHouse], name: str, may_change: bool
) -> None:
    served = own(access())
    answer = served.log_in(name, PASSWORDS[name], next="/studies/tiny")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/studies/tiny")
    assert served.client.get("/api/studies").status_code == 200
    note = BODIES["PUT /api/studies/<study_id:int>/note"]
    answer = served.client.put(f"/api/studies/{served.house.study_id}/note", json=note, headers=OWN_PAGE)
    assert answer.status_code == (204 if may_change else 403)


def test_token_logs_in_by_the_form_without_a_name(served: ServedHouse) -> None:
    assert served.log_in("", READER).status_code == 303
    assert served.client.get("/api/studies").status_code == 200


@pytest.mark.parametrize(("scheme", "secure"), [("http", False), ("https", True)])
def test_cookie_is_kept_from_scripts_other_sites_and_plain_http(
    serve: Callable[..., ServedHouse], scheme: str, secure: bool
) -> None:
    served = serve(access(), base_url=f"{scheme}://hall.example:8443")
    answer = served.client.post("/login", data={"name": "bob", "password": PASSWORDS["bob"]})
    name, _, rest = answer.headers["Set-Cookie"].partition("=")
    assert name == ("__Host-studyhall-8443" if secure else "studyhall-8443")
    attributes = {each.strip().lower() for each in rest.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= attributes
    assert ("secure" in attributes) == secure
    assert not any(each.startswith("domain") for each in attributes)
    assert served.client.get("/api/studies").status_code == 200


def test_logging_out_ends_the_session_for_copies_of_its_cookie_too(served: ServedHouse) -> None:
    served.log_in("bob", PASSWORDS["bob"])
    copy = dict(served.client.cookies)
    answer = served.client.post("/logout", headers=OWN_PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert "studyhall" not in served.client.cookies
    served.client.cookies.update(copy)
    assert served.client.get("/api/studies").status_code == 401


@pytest.mark.parametrize(
    "foreign",
    [
        {"Origin": "http://evil.org"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
        {},  # every browser says one of the two: who does not, has a cookie that is not his
    ],
)
def test_another_sites_page_changes_nothing_with_an_operators_cookie(
    served: ServedHouse, foreign: dict[str, str]
) -> None:
    served.log_in("ada", PASSWORDS["ada"])
    for call in served.calls():
        if call.changes and call.route != "/login":
            assert served.ask(call, **foreign).status_code == 403, call
    assert served.client.get("/api/studies").status_code == 200  # not even logged out


def test_another_sites_page_cannot_log_somebody_in(served: ServedHouse) -> None:
    form = {"name": "bob", "password": PASSWORDS["bob"]}
    answer = served.client.post("/login", data=form, headers={"Origin": "http://evil.org"})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_open_door_lets_everybody_on_this_machine_in_but_no_other_sites_page(
    own: Callable[[Access], ServedHouse],
) -> None:
    served = own(Access())
    study = f"/api/studies/{served.house.study_id}"
    assert served.client.get("/api/studies").status_code == 200
    assert served.client.get("/login").headers["Location"] == "/"
    for foreign in ({"Origin": "http://evil.org"}, {"Sec-Fetch-Site": "cross-site"}):
        assert served.client.delete(study, headers=foreign).status_code == 403
    assert served.client.delete(study).status_code == 204


@pytest.mark.parametrize("host", ["evil.org", "evil.org:80", "127.0.0.1.evil.org", "10.0.0.1", ""])
def test_open_door_is_closed_to_a_name_that_was_made_to_point_here(
    serve: Callable[..., ServedHouse], host: str
) -> None:
    served = serve(Access())
    for call in served.calls():
        assert served.ask(call, Host=host).status_code == 421, call


def test_open_door_is_closed_to_what_a_proxy_passes_on(serve: Callable[..., ServedHouse]) -> None:
    served = serve(Access())
    for name in ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Real-IP"):
        answer = served.client.get("/api/studies", headers={name: "10.0.0.7"})
        assert answer.status_code == 403
        assert "--proxy" in answer.json()["detail"]


@pytest.mark.parametrize(
    "target",
    ["//evil.org", "https://evil.org", "/\\evil.org", "\\evil.org", "/%0d%0aX: y\r\nX: y", "evil.org"],
)
def test_login_leads_to_no_other_site(served: ServedHouse, target: str) -> None:
    answer = served.log_in("bob", PASSWORDS["bob"], next=target)
    assert answer.headers["Location"] in ("/", "/%0d%0aX: y") or answer.headers["Location"] == "/"
    answer = served.client.get("/login", params={"next": target}, headers=BROWSER)
    assert answer.headers["Location"] == "/"


def test_stranger_comes_back_to_the_page_that_was_asked_for(served: ServedHouse) -> None:
    answer = served.client.get("/api/studies/caf%C3%A9/trials?limit=2&order=newest", headers=BROWSER)
    form = served.client.get(answer.headers["Location"], headers=BROWSER)
    target = re.search(r'name="next" value="([^"]*)"', form.text)
    assert target is not None
    assert target[1].replace("&amp;", "&") == "/api/studies/caf%C3%A9/trials?limit=2&order=newest"


def test_login_form_cannot_be_made_to_hold_markup(served: ServedHouse) -> None:
    answer = served.client.get("/login", params={"next": '/"><script>alert(1)</script>'}, headers=BROWSER)
    assert "<script>" not in answer.text
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_failed_logins_are_limited_and_valid_tokens_and_sessions_are_not(
    serve: Callable[..., ServedHouse],
) -> None:
    clock = [0.0]
    served = serve(access(Throttle(per_address=3, in_all=10, window=60, clock=lambda: clock[0])))
    served.log_in("bob", PASSWORDS["bob"])
    for wrong in (("bob", "no"), ("eve", "battery staple"), ("", "no token")):
        answer = served.log_in(*wrong)
        assert answer.status_code == 401
        assert "Set-Cookie" not in answer.headers
    for right in (("ada", PASSWORDS["ada"]), ("", OPERATOR)):
        answer = served.log_in(*right)  # even the right one: what is right must not be found out by trying
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    answer = served.client.get("/api/studies", headers=bearer("x" * 40))
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert served.client.get("/api/studies", headers=bearer(READER)).status_code == 200
    assert served.client.get("/api/studies").status_code == 200
    clock[0] = 60.0
    assert served.log_in("ada", PASSWORDS["ada"]).status_code == 303


def test_wrong_tokens_count_as_failed_logins(serve: Callable[..., ServedHouse]) -> None:
    served = serve(access(Throttle(per_address=2, in_all=10, window=60, clock=lambda: 0.0)))
    statuses = [served.client.get("/metrics", headers=bearer(f"wrong{n}")).status_code for n in range(3)]
    assert statuses == [401, 401, 429]
    assert served.log_in("bob", PASSWORDS["bob"]).status_code == 429


def test_form_that_is_too_large_or_no_form_is_refused(served: ServedHouse) -> None:
    assert served.log_in("bob", "x" * 10_000).status_code == 413
    answer = served.client.post("/login", content=b"\xff\xfe", headers=OWN_PAGE)
    assert answer.status_code == 400


def test_every_answer_has_security_headers_and_opens_nothing_to_other_sites(served: ServedHouse) -> None:
    for headers in ({}, bearer(READER)):
        for call in served.calls():
            answer = served.client.request(
                call.method, call.path, headers=headers | {"Origin": "http://evil.org"}
            )
            assert answer.headers["X-Content-Type-Options"] == "nosniff", call
            assert answer.headers["X-Frame-Options"] == "DENY", call
            assert answer.headers["Referrer-Policy"] == "same-origin", call
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin", call
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], call
            assert "Access-Control-Allow-Origin" not in answer.headers, call
            assert "Server" not in answer.headers, call


def test_file_of_a_worker_is_served_and_can_run_nothing(served: ServedHouse) -> None:
    house = served.house
    for path, body in (
        (f"/artifacts/{house.study_id}/{house.trial_id}/{house.artifact_id}", b"<svg/>"),
        (f"/artifacts/{house.study_id}/{house.study_artifact_id}", b"<p>hi"),
    ):
        answer = served.client.get(path, headers=bearer(READER))
        assert (answer.status_code, answer.content) == (200, body)
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert {"sandbox", "default-src 'none'"} <= set(policy)


def test_names_and_links_of_artifacts_lead_to_nothing_else(own: Callable[[Access], ServedHouse]) -> None:
    served = own(access())
    house, link = served.house, "0123abcd-0000"
    (house.folder / "secret").write_text("top secret")
    (house.folder / "artifacts" / link).symlink_to(house.folder / "secret")
    storage = open_storage(house.url, create=False)
    record = '{"artifact_id": "%s", "filename": "x", "mimetype": "text/plain", "encoding": null}'
    for each in (link, "../secret"):  # somebody who can write to the database says that they are files
        storage.set_study_system_attr(house.study_id, f"artifacts:{each}", record % each)
        storage.set_trial_system_attr(house.trial_id, f"artifacts:{each}", record % each)
    storage.close()
    names = "../secret ..%2fsecret ..%5csecret %2e%2e/secret %2e%2e%2f%2e%2e%2fsecret ....//secret %00secret tiny.toml"
    for name in (*names.split(), link, f"{house.folder}/secret", f"//{house.folder}/secret"):
        for folder in (
            f"/artifacts/{house.study_id}",
            f"/artifacts/{house.study_id}/{house.trial_id}",
            "/studies/tiny/best",
            "/static",
            "/static/studyhall",
        ):
            headers = {"Host": "localhost"} | bearer(OPERATOR)
            status, body = served.client.raw("GET", f"{folder}/{name}", headers)
            assert status in (403, 404), (folder, name)
            assert b"top secret" not in body


def test_missing_file_of_an_artifact_is_a_404(
    own: Callable[[Access], ServedHouse], caplog: pytest.LogCaptureFixture
) -> None:
    served = own(access())
    house = served.house
    (house.folder / "artifacts" / house.artifact_id).unlink()
    path = f"/artifacts/{house.study_id}/{house.trial_id}/{house.artifact_id}"
    assert served.client.get(path, headers=bearer(READER)).status_code == 404
    assert "Traceback" not in caplog.text


def test_dashboard_answers_programs_that_accept_no_particular_encoding(served: ServedHouse) -> None:
    status, _ = served.client.raw("GET", "/static/bundle.js", {"Host": "localhost"} | bearer(READER))
    assert status == 200


def test_log_says_who_changed_what_and_holds_no_secret(
    own: Callable[[Access], ServedHouse], caplog: pytest.LogCaptureFixture
) -> None:
    served = own(access())
    caplog.set_level(logging.DEBUG)
    served.log_in("typed-in-the-wrong-field", "wrong-secret")
    served.client.get("/metrics?token=query-secret", headers=bearer("wrong-token-secret"))
    served.log_in("ada", PASSWORDS["ada"])
    cookie = next(iter(served.client.cookies.values()))
    study = f"/api/studies/{served.house.study_id}"
    served.client.put(f"{study}/note", json={"version": 2, "body": "seen"}, headers=OWN_PAGE)
    served.client.delete(
        "/api/studies/7%0aada, from 1.2.3.4: forged?x=query-secret", headers=bearer(OPERATOR)
    )
    messages = [record.getMessage() for record in caplog.records if record.name == "studyhall.server"]
    assert f"ada, from 10.0.0.9: PUT {study}/note, answered 204" in messages
    assert "a login failed, from 10.0.0.9" in messages
    assert not any("\n" in message for message in messages)
    secrets = (
        "wrong-secret",
        "typed-in",
        "query-secret",
        "wrong-token-secret",
        cookie,
        OPERATOR,
        *PASSWORDS.values(),
    )
    for secret in secrets:
        assert not any(secret in message for message in messages), secret


@pytest.mark.parametrize(
    ("headers", "identity"),
    [
        ({}, None),
        (bearer("nobody's-token-at-all"), None),
        (bearer(READER), Identity("reader token", Role.READER)),
        ({"Authorization": "Basic YWRhOmNvcnJlY3QgaG9yc2U="}, None),
    ],
)
def test_routes_behind_the_door_know_who_asks(headers: dict[str, str], identity: Identity | None) -> None:
    seen = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(Request(scope).state.identity)
        await Response()(scope, receive, send)

    with closing(Client(AuthMiddleware(application, access()), "http://localhost")) as client:
        assert client.get("/healthz", headers=headers).status_code == 200
    assert seen == [identity]
