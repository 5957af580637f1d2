"""`tacit serve` as a process: one a project, at an address that is said, and with an end that is said as well."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from tacit.errors import BadEnvironment, WrongUsage
from tacit.web.serve import alone, has_browser, listening, said_in, shown

from .conftest import start


def refused(folder, *words: str) -> str:
    """What a server says that does not start."""
    done = subprocess.run(
        [sys.executable, "-m", "tacit", "serve", "-p", str(folder), "--no-browser", *words],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode in (2, 4) and "Traceback" not in done.stderr
    return done.stderr


def test_a_second_server_is_refused_with_the_address_of_the_first_until_that_is_gone(project):
    first = start(project)
    said = refused(project)
    assert said.startswith("error: ") and f"is served already at {first.address}/ (process {first.process.pid})" in said
    first.process.kill()  # nobody tidies up
    first.process.wait()
    second = start(project)
    assert second.get("/state.json").json()["items"] == 360
    second.process.terminate()
    assert second.process.wait(20) == 0  # a polite kill is an end like any other
    assert second.process.stderr.read() == "stopped; every answer is saved\n"
    assert (project / "serve.lock").read_text() == ""


def test_the_page_can_be_asked_for_before_torch_is_loaded(project):
    """What is served within the first three seconds is the page and its state; the project is opened meanwhile."""
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "tacit", "serve", "-p", str(project), "--no-browser"], stderr=subprocess.PIPE, text=True
    )
    try:
        address = process.stderr.readline().split()[1]
        host, port = address.removeprefix("http://").rstrip("/").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as asked:
            asked.sendall(b"GET /state.json HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            assert b" 200 " in asked.recv(200)
        reached = time.monotonic() - begun
        busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
        assert reached < 3 * busy, f"{reached:.1f} s"
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(30) == 130
    finally:
        process.kill()
        process.stderr.close()


def test_a_port_that_is_taken_is_refused_and_left_out_another_one_is_found(tmp_path):
    with listening("127.0.0.1", None) as here:
        port = here.getsockname()[1]
        with pytest.raises(WrongUsage, match=f"port {port} cannot be used .*in use"), listening("127.0.0.1", port):
            pass
        with listening("127.0.0.1", None) as there:
            assert there.getsockname()[1] != port
    with listening("127.0.0.1", port) as again:
        assert again.getsockname()[1] == port
    with pytest.raises(WrongUsage, match="leave out --port"), listening("127.0.0.1", 99999):
        pass
    with pytest.raises(WrongUsage, match="cannot be used"), listening("no.such.host.invalid", 0):
        pass


def test_two_in_one_process_do_not_share_a_project_either(tmp_path):
    with alone(tmp_path, "http://127.0.0.1:1/?token=secret"):
        second = alone(tmp_path, "http://127.0.0.1:2/")
        with pytest.raises(BadEnvironment, match=r"served already at http://127.0.0.1:1/ \(process") as error, second:
            pass
        assert "secret" not in str(error.value)
    with alone(tmp_path, "http://127.0.0.1:2/"):
        pass
    assert said_in("half a rec") == ""


def test_addresses_are_shown_as_a_browser_takes_them(monkeypatch):
    assert shown("::1") == "[::1]" and shown("127.0.0.1") == "127.0.0.1" and shown("0.0.0.0") == socket.gethostname()
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not has_browser()
    monkeypatch.setenv("DISPLAY", ":0")
    assert has_browser()
