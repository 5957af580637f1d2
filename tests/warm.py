"""Processes that begin with torch loaded: each is a fork of one that has imported what `tacit` needs.

They are as real as others (a folder, an environment, streams, signals and an end of their own), and begin seconds
sooner. What is about starting itself is tested with `subprocess`.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from functools import cache
from pathlib import Path
from typing import IO

LOOK = 0.02  # seconds between looks at the processes
LOADED = (
    "torch", "torch._dynamo", "sklearn.cluster", "sklearn.linear_model", "scipy.sparse.csgraph", "scipy.spatial",
    "scipy.stats", "PIL.Image", "uvicorn", "tacit.cli", "tacit.project", "tacit.engine.fit", "tacit.latent.map", "tacit.methods", "tacit.web.app",
    "tacit.web.go", "tacit.web.serve",
)  # fmt: skip


class Warm:
    """`tacit` with these words, and what tests need of `subprocess.Popen`."""

    def __init__(
        self, words: list[str], *, cwd: Path | None = None, stdout: IO | None = None, stderr: IO | None = None,
        **environment: str,
    ) -> None:  # fmt: skip
        self.stderr: IO[str] | None = None
        with contextlib.ExitStack() as stack:
            out = stdout or stack.enter_context(open(os.devnull, "wb"))
            if stderr is None:
                read, write = os.pipe()
                self.stderr, stderr = os.fdopen(read), stack.enter_context(os.fdopen(write, "wb"))
            order = {"words": words, "cwd": str(cwd or Path.cwd()), "environment": {**os.environ, **environment}}
            self.pid = forks().start(order, [out.fileno(), stderr.fileno()])
        self.returncode: int | None = None

    def poll(self) -> int | None:
        self.returncode = forks().code(self.pid) if self.returncode is None else self.returncode
        return self.returncode

    def wait(self, timeout: float = 300) -> int:
        give_up = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > give_up:
                raise subprocess.TimeoutExpired("tacit", timeout)
            time.sleep(LOOK)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(words: list[str], *, cwd: Path, timeout: float = 300, **environment: str) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run` with its output captured."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = Warm(words, cwd=cwd, stdout=out, stderr=err, **environment)
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess(words, code, out.read(), err.read())


class Forks:
    """The process that all are forked from, as tests see it."""

    def __init__(self) -> None:
        self.line, theirs = socket.socketpair()
        self.said, self.codes = b"", dict[int, int]()
        subprocess.Popen(
            [sys.executable, "-P", __file__, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        theirs.close()

    def start(self, order: dict, streams: list[int]) -> int:
        """Its process."""
        message = json.dumps(order).encode()
        socket.send_fds(self.line, [len(message).to_bytes(4, "big")], streams)
        self.line.sendall(message)
        while "started" not in (said := self._next()):
            self.codes[said["ended"]] = said["code"]
        return said["started"]

    def code(self, pid: int) -> int | None:
        """The code it has ended with, negative for a signal; None as long as it runs."""
        while select.select([self.line], [], [], 0)[0] or b"\n" in self.said:
            said = self._next()
            self.codes[said["ended"]] = said["code"]
        return self.codes.get(pid)

    def _next(self) -> dict:
        while b"\n" not in self.said:
            part = self.line.recv(2**16)
            assert part, "the process that others are forked from has ended"
            self.said += part
        first, _, self.said = self.said.partition(b"\n")
        return json.loads(first)


@cache
def forks() -> Forks:
    return Forks()


# in that process


def fork_on_order(line: socket.socket) -> tuple[dict, list[int]]:
    """Comes back in every fork, with what it is to do; here it ends with the tests."""
    running: set[int] = set()

    def say(**what: int) -> None:
        with contextlib.suppress(BrokenPipeError):
            line.sendall(json.dumps(what).encode() + b"\n")

    while True:
        if select.select([line], [], [], LOOK if running else None)[0]:
            size, streams, *_ = socket.recv_fds(line, 4, 2)
            if not size:
                raise SystemExit
            order = json.loads(line.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL))
            if (pid := os.fork()) == 0:
                line.close()
                return order, streams
            running.add(pid)
            for stream in streams:
                os.close(stream)
            say(started=pid)
        for pid in [*running]:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                running.remove(pid)
                say(ended=pid, code=os.waitstatus_to_exitcode(status))


def become(order: dict, streams: list[int]) -> None:
    for at, stream in enumerate(streams, start=1):
        os.dup2(stream, at)
        os.close(stream)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environment"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["tacit", *order["words"]]


def tacit() -> int:
    """`python -m tacit`, and the code it ends with."""
    try:
        runpy.run_module("tacit", run_name="__main__", alter_sys=True)
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def end(code: int) -> None:
    """As the interpreter ends, without taking apart all that is loaded."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    for name in LOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is loaded stays shared: no fork looks through it
    become(*fork_on_order(socket.socket(fileno=int(sys.argv[1]))))
    end(tacit())
