"""Serves optuna-dashboard for the storage whose URL is in a file: in its arguments, the process list would show the password."""

import os
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import optuna_dashboard

from studyhall.studies.artifact_store import open_artifact_store
from studyhall.studies.storage import open_storage


class ThreadedServer(ThreadingMixIn, WSGIServer):
    """A thread for each request, which end with the server."""

    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    """Logs no requests: the health check's alone would fill the log."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""


def main() -> None:
    """Serve on port 8080 until the process is ended."""
    url = Path(os.environ["STUDYHALL_STORAGE_FILE"]).read_text(encoding="utf-8").strip()
    store = open_artifact_store(os.environ["STUDYHALL_ARTIFACTS"], create=False)
    app = optuna_dashboard.wsgi(open_storage(url, create=False), artifact_store=store)
    with make_server("", 8080, app, server_class=ThreadedServer, handler_class=QuietHandler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
