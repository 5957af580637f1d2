"""How quick the page is, in a real browser without a screen: from `tacit serve` to the page, and from a key to the next item.

    python bench/page_speed.py --data FOLDER [--write docs/results.md]    (FOLDER has mnist/train.npz, fashion_mnist/train.npz)

The project has 100,000 pictures (MNIST and 40,000 of Fashion-MNIST; beyond 120,000 the same again, with noise). Reachable: from the start of the command to the first
answer with the page in it; ready: until the project is open. Label: from the key event to the frame after the next item is
on the page, its small picture decoded; recorded: what the server takes for an answer, the commit to the disk included. First map:
from the start of the command, in a project that has never been served, until the page can fetch places for all items;
first suggestions: from asking for them, with no answer and no model yet, until they are handed out. And `tacit go` on a
folder of 10,000 picture files: reading all of them is in these seconds, and a space is being learned behind them.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "0")

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tacit.bench.results import markdown, provenance, write_section
from tacit.project import Project

FILES = 10_000  # of the folder that `tacit go` is run on
REACHED, READY = "page reachable after tacit serve", "project open after tacit serve"
MAPPED, SUGGESTED = "first map of a new pool after tacit serve", "first suggestions after they are asked for"
LABELED, RECORDED = "key to the next item on the page", "an answer recorded by the server"
WENT, WENT_MAPPED = f"tacit go on {FILES:,} files: project open", f"tacit go on {FILES:,} files: first map"
WATCH = """() => {
  window.took = [];
  let pressed = 0, name = null;
  const shown = () => document.querySelector('.hint .what strong')?.innerText;
  addEventListener('keydown', () => { pressed = performance.now(); name = shown(); }, true);
  const look = () => {
    if (pressed && shown() !== name && shown() !== undefined) {
      const began = pressed; pressed = 0;
      const image = document.querySelector('.labelling img');
      const done = () => requestAnimationFrame(() => window.took.push(performance.now() - began));
      image && !image.complete ? image.decode().then(done, done) : done();
    }
    requestAnimationFrame(look);
  };
  look();
}"""


def pile(data: Path, n: int) -> np.ndarray:
    """The pictures; where more are asked for than there are, again with a little noise, so that none is a copy."""
    parts = []
    for name in ("mnist", "fashion_mnist"):
        with np.load(data / name / "train.npz", allow_pickle=False) as found:
            parts.append(found["x"])
    real, noise = np.concatenate(parts), np.random.default_rng(0)
    made = np.empty((n, *real.shape[1:]), dtype=np.uint8)
    for start in range(0, n, len(real)):
        part = real[: n - start].astype(np.int16)
        if start:
            part += noise.integers(-3, 4, size=part.shape, dtype=np.int16)
        made[start : start + len(part)] = part.clip(0, 255)
    return made


def project_of(data: Path, here: Path, n: int) -> Path:
    np.savez(here / "pile.npz", x=pile(data, n))
    project = Project.create(here / "pile.npz", yardstick=2000)
    project.settings.set("classes", [str(i) for i in range(10)])
    project.settings.set("page", {"rounds": False})
    return project.folder


def asked(address: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data=data, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read()
    return json.loads(text) if path.startswith("/api") or path.endswith(".json") else text


def run(*words: str, port: int) -> tuple[subprocess.Popen, str]:
    """A `tacit` that serves, and its address."""
    command = [sys.executable, "-m", "tacit", *words, "--no-browser", "--port", str(port)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL), f"http://127.0.0.1:{port}"


def seconds_until_there(address: str) -> tuple[float, float]:
    """Seconds until the page and until the project were there."""
    began, reached = time.perf_counter(), 0.0
    while True:
        try:
            if not reached and asked(address, "/"):
                reached = time.perf_counter() - began
            if asked(address, "/state.json")["ready"]:
                return reached, time.perf_counter() - began
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)


def mapped(address: str) -> float:
    """Seconds until every item has a place."""
    began = time.perf_counter()
    while not asked(address, "/map.json")["ready"]:
        time.sleep(0.05)
    return time.perf_counter() - began


def suggested(address: str) -> float:
    """Seconds until a round of suggestions is handed out; random items come meanwhile."""
    began = time.perf_counter()
    while asked(address, "/api/queue", {"who": "me", "session": "speed-first"})["strategy"] == "random":
        time.sleep(0.05)
    return time.perf_counter() - began


def labels(page: Page, address: str, n: int, first: int) -> list[float]:
    """Milliseconds from a key to the next item, n times, from this row on."""
    chosen = json.dumps(list(range(first, first + n + 10)))
    page.add_init_script(f"sessionStorage.setItem('tacit.selection', '{chosen}')")
    page.goto(f"{address}/label?kind=rows")
    page.wait_for_selector(".hint .what strong")
    page.wait_for_timeout(1500)
    page.evaluate(WATCH)
    for i in range(n):
        page.keyboard.press(str(1 + i % 9))
        page.wait_for_function("n => window.took.length >= n", arg=i + 1)
        page.wait_for_timeout(150)
    return page.evaluate("window.took")


def recorded(address: str, n: int) -> list[float]:
    """Milliseconds the server takes for an answer, n times."""
    took = []
    for i in range(n):
        answer = {"key": f"speed-{time.time_ns()}", "row": 20_000 + i, "answer": "3"}
        began = time.perf_counter()
        asked(address, "/api/answers", {"who": "me", "session": "speed", "answers": [answer]})
        took.append(1000 * (time.perf_counter() - began))
    return took


def served(project: Path, turn: int, browser: Browser, n: int) -> dict[str, list[float]]:
    """One turn: everything that is measured of a project's page."""
    process, address = run("serve", "-p", str(project), port=8900 + turn)
    try:
        reached, ready = seconds_until_there(address)
        found = {REACHED: [reached], READY: [ready], MAPPED: [ready + mapped(address)], SUGGESTED: [suggested(address)]}
        page = browser.new_page(viewport={"width": 1280, "height": 800}, bypass_csp=True)  # functions are waited for
        found[LABELED] = labels(page, address, n, 5000 + 1000 * turn)
        page.close()
        return found | {RECORDED: recorded(address, n)}
    finally:
        process.terminate()
        process.wait(30)


def gone(pictures: np.ndarray, here: Path, turn: int) -> dict[str, list[float]]:
    """One turn of `tacit go` on a folder of these pictures (N, H, W)."""
    folder = here / f"photos-{turn}"
    folder.mkdir()
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{i:05d}.png")
    process, address = run("go", str(folder), port=8950 + turn)
    try:
        _, ready = seconds_until_there(address)
        return {WENT: [ready], WENT_MAPPED: [ready + mapped(address)]}
    finally:
        process.terminate()
        process.wait(60)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--labels", type=int, default=60)
    parser.add_argument("--write", default="")
    args = parser.parse_args()
    took: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        here = Path(name)
        folder, few = project_of(args.data, here, args.n), pile(args.data, FILES)
        executable = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for turn in range(args.turns):
            fresh = here / f"turn-{turn}.tacit"
            shutil.copytree(folder, fresh)
            for what, found in (served(fresh, turn, browser, args.labels) | gone(few, here, turn)).items():
                took.setdefault(what, []).extend(found)
        browser.close()
    rows = [["what", "median", "largest", "n"]]
    for what, found in took.items():
        unit = "ms" if what in (LABELED, RECORDED) else "s"
        rows.append([what, f"{statistics.median(found):.3g} {unit}", f"{max(found):.3g} {unit}", str(len(found))])
    print("\n".join("  ".join(row) for row in rows))
    if args.write:
        write(rows, args)


def write(rows: list[list[str]], args: argparse.Namespace) -> None:
    size = f" --n {args.n}" if args.n != 100_000 else ""
    command = f"python bench/page_speed.py --data FOLDER{size} --turns {args.turns} --labels {args.labels}"
    text = (
        f"## Speed of the page: {args.n:,} pictures\n\nHeadless Chromium without a GPU on two cores, load"
        f" {os.getloadavg()[0]:.1f} at the end.\n\n{provenance(command, [])}\n\n{markdown(rows)}"
    )
    write_section(Path(args.write), "page-speed" + (f"-{args.n}" if size else ""), text)


if __name__ == "__main__":
    main()
