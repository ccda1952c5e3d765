"""Running the server: from a free port to the signal that ends it."""

import ipaddress
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from studyhall.search.server.errors import ServerError

FAREWELL = 5  # s that running answers have to end in
LEAVE = 1.0  # s that threads have to end in, after that


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, of IPv4 or IPv6 as the host is; port 0 is any free one.

    Raises:
        ServerError: The host is not this machine's, or the port cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise ServerError(f"The host {host!r} is not known: try --host 127.0.0.1.") from error
    listener = socket.socket(family, kind, protocol)
    try:
        # A server that has just ended leaves its port in a state that only this option overcomes.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        why = error.strerror.lower() if error.strerror else str(error)
        raise ServerError(
            f"Cannot listen on {host} port {port}: {why}. Choose another with --port or --host."
        ) from error
    return listener


def is_loopback(listener: socket.socket) -> bool:
    """Whether only this machine can reach a listener."""
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback


def url_of(listener: socket.socket) -> str:
    """Return where a browser finds a listener."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def serve(application: ASGIApp, listener: socket.socket, proxies: str | None) -> None:
    """Answer requests until SIGTERM, SIGINT or SIGHUP; then let running answers end, and return.

    Args:
        application: What answers.
        listener: Where requests come from; it is closed.
        proxies: Addresses and networks, with commas between, whose X-Forwarded-For and X-Forwarded-Proto are
            believed; None for nobody's.
    """
    config = uvicorn.Config(
        application,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,  # with every page that polls, it would fill disks; who changes something is written down
        server_header=False,
        proxy_headers=proxies is not None,
        forwarded_allow_ips=proxies or "",
        timeout_graceful_shutdown=FAREWELL,
    )
    server = uvicorn.Server(config)
    with _ended_by_signals(server):
        server.run(sockets=[listener])


def leave(status: int) -> None:
    """End the process now if a thread would keep it, waiting for a database or a reader who has gone."""
    until = time.monotonic() + LEAVE
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)


def start_logging() -> None:
    """Have our log, and the warnings of others, written to the standard error, a line each with its time."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("studyhall").setLevel(logging.INFO)


def _hang_up() -> list[signal.Signals]:
    """Return the signal of a terminal that is closed, unless `nohup` has it ignored."""
    return [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]


@contextmanager
def _ended_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """Have signals end the server before it listens for them itself, and leave the process after its end.

    uvicorn raises a signal that it got again when it is done, for whoever handled it before.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    before = {each: signal.signal(each, stop) for each in (signal.SIGTERM, signal.SIGINT, *_hang_up())}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
