"""What people see of their studies, as HTML that needs nothing from other hosts and runs nothing of
others.
"""

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

HOSTILE = "<script>alert(1)</script>\" onload='x' {{ 7*7 }}"
HTML = "text/html"


class Page(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"

    def all(self, attribute: str) -> list[str]:
        return [value for _, each in self.elements if (value := each.get(attribute)) is not None]


@pytest.fixture(scope="module")
def served(new_site: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Studies in every phase, for tests that change nothing."""
    site = new_site(tmp_path_factory.mktemp("served"))
    running = site.study("running", 8, description=HOSTILE)
    for value in (0.5, 0.2, 0.3):
        running.results.complete(site.claim(running, (1.0, value), hyperparameters={HOSTILE: HOSTILE}), value)
    running.results.prune(site.claim(running, (0.9,)))
    running.results.fail(site.claim(running), "oom", f"out of memory {HOSTILE}")
    running.workers.register("w1", host=HOSTILE, pid=7, device="gpu:0 H200")
    trial = site.claim(running, (0.8, 0.3), worker="w1")
    running.trials.renew(running.trials.lease_of(trial), epoch=2, images_per_second=1000.0)
    published = site.study("published", 1)
    published.results.complete(site.claim(published, (0.5,), hyperparameters={"filters": 8}), 0.5)
    site.publish(published, history_png=b"png", separations_png=b"png", separations_svg=b"<svg/>")
    site.study("idle", 3)
    several = site.study("several", 2, objective=[{"metric": "val_loss"}, {"metric": "parameters"}])
    for values in ((0.5, 1000.0), (0.25, 2000.0)):
        several.results.complete(site.claim(several), *values)
    failing = site.study("failing", 2)
    failing.results.fail(site.claim(failing), "nan", "the loss is nan")
    site.study("12345", 1)
    yield site
    site.close()


PAGES = [
    "/studies",
    *(f"/studies/{name}" for name in ("running", "published", "idle", "several", "failing", "12345")),
]


def test_front_page_says_how_the_study_stands(served: Any) -> None:
    page = Page(served.ask("/studies/running", Accept=HTML).text)
    for words in (
        "best val_loss 0.2 trial 1",
        "trials 5 of 8",
        "3 complete",
        "1 pruned",
        "1 failed",
        "1 running",
        "2 waiting",
        "time left",
        "the last 5 trials took",
        "1 worker",
        "Now: 1 trial on 1 worker",
        "2 of 5",
        "gpu:0 H200",
        "1,000 images/s",
        "the device or the machine ran out of memory",
        "this page is refreshed every 3 s",
    ):
        assert words in page.text
    study = served.catalogue.read(lambda connection: served.catalogue.id_of(connection, "running"))
    assert f"/dashboard/studies/{study}/trials?numbers=1" in page.all("href")
    assert [tag for tag, _ in page.elements].count("svg") >= 3
    assert page.all("http-equiv") == ["refresh"]  # for browsers without JavaScript


def test_page_of_a_published_study_has_the_model_with_its_pictures_and_rests(served: Any) -> None:
    page = Page(served.ask("/studies/published", Accept=HTML).text)
    assert "/studies/published/best/model.keras" in page.all("href")
    assert "model.keras" in page.all("download")
    shown = [(each["src"], each["alt"]) for tag, each in page.elements if tag == "img" and each["alt"]]
    assert shown == [
        ("/studies/published/best/separations.png", "What the published model makes of test mixtures"),
        ("/studies/published/best/history.png", "Training history of the published model"),
    ]
    assert "error on test images 0.0016 ± 2e−5" in page.text
    assert "parameters 1,234" in page.text
    assert page.all("data-every") == ["0"]  # nothing changes any more
    assert page.all("http-equiv") == []
    for path in page.all("src") + page.all("href"):
        if path.startswith(("/studies", "/static")):
            assert served.ask(path).status_code in (200, 307)


def test_list_leads_to_every_study(served: Any) -> None:
    page = Page(served.ask("/studies", Accept=HTML).text)
    for path in PAGES[1:]:
        assert path in page.all("href")
        assert served.ask(path).status_code == 200
    assert served.ask("/").headers["location"] == "/studies"
    assert served.ask("/", "HEAD").status_code == 307


def test_only_study_is_where_the_list_would_be(served: Any) -> None:
    everything = served.served
    served.serve(study="idle")
    assert served.ask("/studies").headers["location"] == "/studies/idle"
    assert served.ask("/studies/running", Accept=HTML).status_code == 404
    assert "All studies" not in served.ask("/studies/idle").text
    served.serve()
    assert served.served.study == everything.study


@pytest.mark.parametrize("path", PAGES)
def test_page_works_under_a_strict_policy_and_asks_no_other_host(served: Any, path: str) -> None:
    answer = served.ask(path, Accept=HTML)
    page = Page(answer.text)
    for tag, attributes in page.elements:
        assert tag != "style"
        assert tag != "script" or attributes.get("src")
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        if tag == "img":
            assert "alt" in attributes
        if tag == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden")
    for address in page.all("src") + page.all("href") + page.all("action"):
        assert re.match(r"/(?!/)|#", address)
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_what_others_wrote_is_text_and_nothing_else(served: Any) -> None:
    html = served.ask("/studies/running", Accept=HTML).text
    assert "<script>alert" not in html
    assert Page(html).text.count("{{ 7*7 }}") >= 4  # description, hyperparameter, reason, host


def test_live_part_is_sent_again_only_when_it_has_changed(site: Any) -> None:
    study = site.study("bss", 3)
    first = site.ask("/studies/bss/live", Accept=HTML)
    assert "<html" not in first.text
    again = site.ask("/studies/bss/live", Accept=HTML, If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    study.results.complete(site.claim(study, (0.5,)), 0.5)
    site.later()
    changed = site.ask("/studies/bss/live", Accept=HTML, If_None_Match=first.headers["etag"])
    assert changed.status_code == 200
    assert "trials 1 of 3" in Page(changed.text).text
    assert changed.headers["etag"] != first.headers["etag"]
    assert changed.headers["cache-control"] == "private, no-cache"


def test_live_part_of_a_study_that_rests_is_the_same_later(served: Any) -> None:
    etags = set()
    for _ in range(2):
        etags.add(served.ask("/studies/idle/live", Accept=HTML).headers["etag"])
        served.later()
    assert len(etags) == 1


def test_study_that_was_deleted_is_gone_with_a_page_that_says_so(site: Any) -> None:
    site.study("other")
    answer = site.ask("/studies/bss", Accept=HTML)
    assert answer.status_code == 404
    assert "No study &#39;bss&#39;" in answer.text
    assert site.ask("/studies/bss/live", Accept=HTML).status_code == 404


def test_page_is_whole_without_the_files_of_its_bundle(site: Any) -> None:
    site.publish(site.study())
    (site.folder / "artifacts").rename(site.folder / "elsewhere")
    answer = site.ask("/studies/bss", Accept=HTML)
    assert answer.status_code == 200
    assert "its files cannot be read: There is no artifact store at" in Page(answer.text).text


def test_files_of_the_pages_may_be_kept_and_are_no_others(served: Any) -> None:
    (style,) = [
        each
        for each in Page(served.ask("/studies").text).all("href")
        if each.endswith(".css") or ".css?" in each
    ]
    answer = served.ask(style)
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/css")
    assert "immutable" in answer.headers["cache-control"]
    assert "http" not in answer.text
    assert served.ask(style, If_None_Match=answer.headers["etag"]).status_code == 304
    assert served.ask(style.partition("?")[0]).headers["cache-control"] == "no-cache"
    for name in ("..%2froutes.py", "nothing.css", "%2e%2e%2ftemplates%2fbase.html", ""):
        assert served.ask(f"/static/studyhall/{name}").status_code == 404


def test_empty_storage_says_how_to_begin(site: Any) -> None:
    assert "No study yet" in site.ask("/studies", Accept=HTML).text
