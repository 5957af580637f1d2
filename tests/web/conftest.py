"""A project of real digits, the application around it, and the server as a person starts it."""

import os
import shutil
import socket
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2 as httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tacit.project import Project
from tacit.web.app import make_app
from tacit.web.desk import Desk
from tests.warm import Warm

FIRST_PORT = 20_000 + 1000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
PORTS = iter(range(FIRST_PORT, FIRST_PORT + 1000))
CLASSES = [str(digit) for digit in range(10)]


@pytest.fixture(scope="session")
def made(tmp_path_factory, digits) -> Path:
    """A folder with photos/ (360 real digits as PNG files, a folder a class) and photos.tacit/ (nothing learned yet)."""
    x, y = digits
    here = tmp_path_factory.mktemp("made")
    for i in range(360):
        folder = here / "photos" / str(y[i])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.kron(x[i, 0], np.ones((4, 4), np.uint8))).save(folder / f"{i:03d}.png")
    Project.create(here / "photos", truth="folders")
    return here


@pytest.fixture(scope="session")
def learned(made, tmp_path_factory) -> Path:
    """The same with a short VAE, 40 answers, a trained classifier with its guesses, and a round of picks."""
    from tacit.deploy.export import load
    from tacit.evaluate.guesses import Guesses

    here = tmp_path_factory.mktemp("learned")
    shutil.copytree(made, here, dirs_exist_ok=True)
    project = Project(here / "photos.tacit")
    project.settings.set("classes", CLASSES)
    project.learn("vae", steps=150, latent_dim=8, batch=32)
    project.choose("typical", k=40)
    project.ask_truth()
    project.train("supervised", steps=60)
    run = project.run(None, "train")
    Guesses.of(load(run.folder, trust_code=True), project.pool).save(run.folder)
    project.choose("margin", k=20)
    return here


def copy_of(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to, dirs_exist_ok=True)
    return to / "photos.tacit"


@pytest.fixture
def project(made, tmp_path) -> Path:
    """photos.tacit of a fresh project; photos/ lies beside it."""
    return copy_of(made, tmp_path)


@pytest.fixture
def learned_project(learned, tmp_path) -> Path:
    return copy_of(learned, tmp_path)


def opened(folder: Path) -> Iterator[TestClient]:
    desk = Desk(folder)
    with TestClient(make_app(desk), base_url="http://127.0.0.1:8765", raise_server_exceptions=False) as client:
        assert desk.ready.wait(60)
        client.desk = desk  # type: ignore[attr-defined]
        yield client
        desk.jobs.close()  # no process outlives its test


@pytest.fixture
def client(project) -> Iterator[TestClient]:
    """The application around a fresh project; `client.desk` is its desk."""
    yield from opened(project)


@pytest.fixture
def learned_client(learned_project) -> Iterator[TestClient]:
    yield from opened(learned_project)


@pytest.fixture(scope="session")
def sounds(tmp_path_factory) -> Iterator[TestClient]:
    """The application around 40 tones of half a second in two folders; for tests that write nothing."""
    here = tmp_path_factory.mktemp("sounds") / "tones"
    t = np.arange(4000) / 8000
    for i in range(40):
        folder = here / ("high" if i % 2 else "low")
        folder.mkdir(parents=True, exist_ok=True)
        samples = 20000 * np.sin(2 * np.pi * (300 + 20 * i + 1500 * (i % 2)) * t)
        with wave.open(str(folder / f"{i:02d}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(samples.astype("<i2").tobytes())
    yield from opened(Project.create(here).folder)


@pytest.fixture(scope="session")
def vectors(tmp_path_factory) -> Iterator[TestClient]:
    """The same around 60 rows of five numbers in an array file."""
    path = tmp_path_factory.mktemp("vectors") / "rows.npz"
    np.savez(path, x=np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32))
    yield from opened(Project.create(path).folder)


@dataclass
class Server:
    """`tacit serve` in a process of its own."""

    folder: Path
    address: str
    process: Warm

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.address + path, timeout=60)

    def post(self, path: str, body: object) -> httpx.Response:
        return httpx.post(self.address + path, json=body, timeout=60)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def own_port() -> str:
    """One that no other test uses, also not in another process: else it meets the page of a server that is gone."""
    for port in PORTS:
        with socket.socket() as found:
            if found.connect_ex(("127.0.0.1", port)):
                return str(port)
    raise AssertionError("all ports are used")


def start(folder: Path, *, port: str | None = None, **environment: str) -> Server:
    """The server of a project, once it has said its address and is ready."""
    words = ["serve", "-p", str(folder), "--no-browser", "--port", port or own_port()]
    process = Warm(words, OMP_NUM_THREADS="1", **environment)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("page:"):
            break
    else:
        raise AssertionError(f"no server came up, code {process.wait()}")
    server = Server(folder, line.split()[1].rstrip("/"), process)
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        try:
            if server.get("/state.json").json()["ready"]:
                return server
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("the server did not become ready")


@pytest.fixture
def server(project) -> Iterator[Server]:
    found = start(project)
    yield found
    found.stop()


@pytest.fixture
def learned_server(learned_project) -> Iterator[Server]:
    found = start(learned_project)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def here(learned, tmp_path_factory) -> Iterator[Server]:
    """One server of a learned project for all tests of a file; each has items of its own."""
    found = start(copy_of(learned, tmp_path_factory.mktemp("here")))
    yield found
    found.stop()


def chromium() -> str | None:
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


@pytest.fixture(scope="session")
def browser():
    """A real browser without a screen."""
    path = chromium()
    if path is None:
        pytest.skip("needs a browser: apt-get install chromium, or make test, which does it where it may")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=15_000)  # as a tab has: machines that run tests are busy

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser):
    """A tab that fails the test when the page has an error, or asks another host for anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    wrong: list[str] = []
    tab.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    tab.on("request", lambda asked: _outside(asked.url) and wrong.append(f"asked {asked.url}"))
    tab.set_default_timeout(15_000)
    yield tab
    context.close()
    assert not wrong, wrong


def _outside(address: str) -> bool:
    return not address.startswith(("http://127.0.0.1:", "data:", "blob:"))
