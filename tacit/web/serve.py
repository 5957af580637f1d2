"""`tacit serve`: a port, a lock, a token where other machines may ask, and the address as the last line."""

import errno
import fcntl
import json
import os
import secrets
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from tacit.errors import BadEnvironment, Stopped, WrongUsage

if TYPE_CHECKING:
    from tacit.web.desk import Desk

Beside = Callable[["Desk", threading.Event], None]  # runs in a thread beside the server, until the event is set
PORT, TRIED = 8765, 100  # the first port that is tried, and how many
LOCK = "serve.lock"


def serve(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    browser: bool = True,
    beside: Beside | None = None,
) -> None:
    """Serve the page of a project until Ctrl-C; what was being trained is saved, and how to go on is said."""
    import uvicorn

    from tacit.web.app import make_app
    from tacit.web.desk import Desk
    from tacit.web.guard import is_loopback, own_names

    token = None if is_loopback(host) else secrets.token_urlsafe(24)
    with listening(host, port) as here:
        address = f"http://{shown(host)}:{here.getsockname()[1]}/" + (f"?token={token}" if token else "")
        with alone(folder, address):
            desk = Desk(folder)
            app = make_app(desk, hosts=own_names(host), token=token)
            config = uvicorn.Config(
                app, log_level="warning", access_log=False, server_header=False, lifespan="on",
                timeout_graceful_shutdown=1,
            )  # fmt: skip

            class Server(uvicorn.Server):
                async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
                    if opened(desk):
                        desk.jobs.interrupt()  # they save while open connections end
                    await super().shutdown(sockets)

            server = Server(config)
            signal.signal(signal.SIGTERM, polite)  # uvicorn raises the signal again when it has shut down
            print(f"page:    {address}", file=sys.stderr, flush=True)
            if browser and has_browser():
                webbrowser.open(address)
            with until_the_end(desk, beside):
                server.run(sockets=[here])


def polite(number: int, frame: FrameType | None) -> None:
    """A kill that asks is an end like any other."""
    raise SystemExit(0)


def opened(desk: "Desk") -> bool:
    return desk.ready.is_set() and desk.failure is None


@contextmanager
def until_the_end(desk: "Desk", beside: Beside | None) -> Iterator[None]:
    """What runs beside the server runs in here; then jobs are saved, and it is said how they go on."""
    ending = threading.Event()
    thread = threading.Thread(target=beside, args=(desk, ending), name="beside", daemon=True) if beside else None
    if thread:
        thread.start()
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(Stopped.exit_code) from None
    finally:
        ending.set()
        lines = desk.jobs.close() if opened(desk) else []
        if thread:
            thread.join(2)  # it may have a terminal to leave in order
        for line in [*lines, "stopped; every answer is saved"]:
            print(line, file=sys.stderr, flush=True)


@contextmanager
def listening(host: str, port: int | None) -> Iterator[socket.socket]:
    """A socket on this port, or on the first free one from 8765 on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in [port] if port is not None else range(PORT, PORT + TRIED):
        # asyncio sends small answers at once only where the protocol is named; without it each waits 40 ms
        found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host, number))
            found.listen(128)
        except (OSError, OverflowError) as error:
            found.close()
            if port is not None or not isinstance(error, OSError) or error.errno != errno.EADDRINUSE:
                why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                raise WrongUsage(
                    f"{host} port {number} cannot be used ({why.lower()})\n  leave out --port, and a free one is found"
                ) from error
            continue
        try:
            yield found
        finally:
            found.close()
        return
    raise BadEnvironment(
        f"none of the ports {PORT} to {PORT + TRIED - 1} is free\n  name another: tacit serve --port 9000"
    )


@contextmanager
def alone(folder: Path, address: str) -> Iterator[None]:
    """One server a project: it would not know what another one has handed out."""
    path = folder / LOCK
    with open(path, "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise BadEnvironment(
                f"{folder} is served already{said_in(file.read())}\n  use that page, or stop it first"
            ) from None
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "address": address.partition("?")[0]}))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def said_in(record: str) -> str:
    try:
        told = json.loads(record)
        return f" at {told['address']} (process {told['pid']})"
    except (ValueError, KeyError, TypeError):
        return ""


def shown(host: str) -> str:
    """The host as an address has it; one that means all interfaces shows as this machine's name."""
    if host in ("0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


def has_browser() -> bool:
    """Whether there is a screen to open one on."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
