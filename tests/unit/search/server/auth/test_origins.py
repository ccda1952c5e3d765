"""Where requests come from: other sites' pages, other names for this machine, and places to go
after a login.
"""

import pytest
from starlette.datastructures import Headers

from studyhall.search.server.auth.origins import is_foreign, is_here, local_path


def headers(**values: str) -> Headers:
    return Headers({name.replace("_", "-"): value for name, value in values.items()})


@pytest.mark.parametrize(
    "given",
    [
        headers(host="hall:8080", origin="http://hall:8080"),
        headers(host="hall", origin="https://hall"),
        headers(host="hall", origin="https://HALL", sec_fetch_site="same-origin"),
        headers(host="hall", sec_fetch_site="same-origin"),
        headers(host="hall", sec_fetch_site="none"),
    ],
)
def test_request_of_our_own_page_is_not_foreign(given: Headers) -> None:
    assert not is_foreign(given, by_browser=True)


@pytest.mark.parametrize(
    "given",
    [
        headers(host="hall:8080", origin="http://evil:8080"),
        headers(host="hall:8080", origin="http://hall:9090"),
        headers(host="hall", origin="null"),
        headers(host="hall", origin="http://hall.evil.org"),
        headers(host="hall", origin="http://hall@evil.org"),
        headers(host="hall", origin="file://hall"),
        headers(host="hall", origin=""),
        headers(host="", origin="http://"),
        headers(host="hall", origin="http://[hall"),
        headers(host="hall", sec_fetch_site="cross-site"),
        headers(host="hall", sec_fetch_site="same-site"),
        headers(host="hall", origin="http://hall", sec_fetch_site="same-site"),
        headers(host="hall", origin="http://evil", sec_fetch_site="same-origin"),
    ],
)
def test_request_of_another_sites_page_is_foreign_to_all(given: Headers) -> None:
    assert is_foreign(given, by_browser=True)
    assert is_foreign(given, by_browser=False)


def test_program_need_not_say_where_it_is_and_a_browser_must() -> None:
    assert not is_foreign(headers(host="hall"), by_browser=False)
    assert is_foreign(headers(host="hall"), by_browser=True)


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8080", "LOCALHOST:1", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080", "[::1]"],
)
def test_names_that_are_only_this_machines_are_here(host: str) -> None:
    assert is_here(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.org:8080",
        "localhost.evil.org",
        "127.0.0.1.evil.org:8080",
        "evil.org@127.0.0.1.org",
        "10.0.0.1:8080",
        "[::1",
        "0.0.0.0:8080",
        "[2001:db8::1]",
    ],
)
def test_other_names_are_not_here(host: str) -> None:
    assert not is_here(host)


@pytest.mark.parametrize(
    "target", ["/", "/studies", "/studies/caf%C3%A9?x=1#y", "/dashboard/studies/1?a=//b"]
)
def test_paths_of_this_server_are_gone_on_to(target: str) -> None:
    assert local_path(target) == target


@pytest.mark.parametrize(
    "target",
    [
        "",
        "studies",
        "//evil.org",
        "///evil.org",
        "/\\evil.org",
        "\\\\evil.org",
        "https://evil.org/",
        "https:evil.org",
        "javascript:alert(1)",
        "/\t/evil.org",
        "\t//evil.org",
        "/\n/evil.org",
        " //evil.org",
        "/studies\r\nSet-Cookie: x=1",
        "//[evil",
        "/é",
    ],
)
def test_other_targets_lead_to_the_front_page(target: str) -> None:
    assert local_path(target) == "/"
