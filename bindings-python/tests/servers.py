"""Real servers on a free port of this machine, for as long as a ``with`` block."""

from __future__ import annotations

import contextlib
import socketserver
import threading
import time
import wsgiref.simple_server
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def asgi_server(app: Any) -> Iterator[str]:
    """Uvicorn; gives the host and port."""
    import uvicorn

    config = uvicorn.Config(
        app,
        port=0,
        log_level="critical",
        lifespan="off",
        proxy_headers=False,
        ws="websockets-sansio",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


class _ThreadingServer(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True


class _QuietHandler(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def wsgi_server(app: Any) -> Iterator[str]:
    """The standard library's server, a thread for each request; gives the host and port."""
    server = wsgiref.simple_server.make_server(
        "127.0.0.1", 0, app, server_class=_ThreadingServer, handler_class=_QuietHandler
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def until(is_so: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until it is so; fail if it does not come to be."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.005)


def can_connect(host: str, path: str = "/", headers: dict[str, str] | None = None) -> bool:
    """Whether a websocket is let in and not closed at once."""
    from websockets.exceptions import ConnectionClosed, InvalidStatus
    from websockets.sync.client import connect

    try:
        with connect(f"ws://{host}{path}", additional_headers=headers):
            return True
    except (InvalidStatus, ConnectionClosed):
        return False
