"""`tacit serve`: a port, a lock, a token where other machines may ask, and the address as the last line."""

import fcntl
import json
import os
import secrets
import socket
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tacit.errors import BadEnvironment, WrongUsage

PORT, TRIED = 8765, 100  # the first port that is tried, and how many
LOCK = "serve.lock"


def serve(folder: Path, *, host: str = "127.0.0.1", port: int | None = None, browser: bool = True) -> None:
    """Serve the page of a project until Ctrl-C."""
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
            config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, lifespan="on")
            server = uvicorn.Server(config)
            print(f"page:    {address}", file=sys.stderr, flush=True)
            if browser and has_browser():
                webbrowser.open(address)
            try:
                server.run(sockets=[here])
            finally:
                if desk.ready.is_set() and desk.failure is None:
                    for line in desk.jobs.close():
                        print(line, file=sys.stderr, flush=True)


@contextmanager
def listening(host: str, port: int | None) -> Iterator[socket.socket]:
    """A socket on this port, or on the first free one from 8765 on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in [port] if port is not None else range(PORT, PORT + TRIED):
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((host, number))
            found.listen(128)
        except OSError as error:
            found.close()
            if port is not None or not isinstance(error, OSError) or error.errno not in (98, 48):
                raise WrongUsage(
                    f"{host} port {number} cannot be used ({(error.strerror or str(error)).lower()})\n"
                    "  leave out --port, and a free one is found"
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
        yield
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
