"""How quick the page is, in a real browser without a screen: from `tacit serve` to the page, and from a key to the next item.

    python bench/page_speed.py --data FOLDER [--write docs/results.md]    (FOLDER has mnist/train.npz, fashion_mnist/train.npz)

The project has 100,000 pictures (MNIST and 40,000 of Fashion-MNIST). Reachable: from the start of the command to the first
answer with the page in it; ready: until the project is open. Label: from the key event to the frame after the next item is
on the page, its small picture decoded; recorded: what the server takes for an answer, the commit to the disk included. First map:
from the start of the command, in a project that has never been served, until the page can fetch places for all items;
first suggestions: from asking for them, with no answer and no model yet, until they are handed out.
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
from playwright.sync_api import Page, sync_playwright

from tacit.bench.results import markdown, provenance, write_section
from tacit.project import Project

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


def project_of(data: Path, here: Path, n: int) -> Path:
    parts = []
    for name in ("mnist", "fashion_mnist"):
        with np.load(data / name / "train.npz", allow_pickle=False) as found:
            parts.append(found["x"])
    np.savez(here / "pile.npz", x=np.concatenate(parts)[:n])
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


def started(folder: Path, port: int) -> tuple[subprocess.Popen, str, float, float]:
    """The server, and the seconds until the page and until the project were there."""
    began, address = time.perf_counter(), f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "tacit", "serve", "-p", str(folder), "--no-browser", "--port", str(port)],
        stderr=subprocess.DEVNULL,
    )
    reached = 0.0
    while True:
        try:
            if not reached and asked(address, "/"):
                reached = time.perf_counter() - began
            if asked(address, "/state.json")["ready"]:
                return process, address, reached, time.perf_counter() - began
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--labels", type=int, default=60)
    parser.add_argument("--write", default="")
    args = parser.parse_args()
    reach, ready, took, server, drawn, chosen = [], [], [], [], [], []
    with tempfile.TemporaryDirectory() as here, sync_playwright() as playwright:
        folder = project_of(args.data, Path(here), args.n)
        executable = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for turn in range(args.turns):
            fresh = Path(here) / f"turn-{turn}.tacit"
            shutil.copytree(folder, fresh)
            process, address, reached, open_ = started(fresh, 8900 + turn)
            try:
                reach.append(reached)
                ready.append(open_)
                drawn.append(open_ + mapped(address))
                chosen.append(suggested(address))
                page = browser.new_page(
                    viewport={"width": 1280, "height": 800}, bypass_csp=True
                )  # functions are waited for
                took += labels(page, address, args.labels, 5000 + 1000 * turn)
                server += recorded(address, args.labels)
                page.close()
            finally:
                process.terminate()
                process.wait(30)
        browser.close()
    rows = [["what", "median", "largest", "n"]]
    for what, found, unit in (
        ("page reachable after tacit serve", reach, "s"),
        ("project open after tacit serve", ready, "s"),
        ("first map of a new pool after tacit serve", drawn, "s"),
        ("first suggestions after they are asked for", chosen, "s"),
        ("key to the next item on the page", took, "ms"),
        ("an answer recorded by the server", server, "ms"),
    ):
        rows.append([what, f"{statistics.median(found):.3g} {unit}", f"{max(found):.3g} {unit}", str(len(found))])
    print("\n".join("  ".join(row) for row in rows))
    if args.write:
        command = f"python bench/page_speed.py --data FOLDER --turns {args.turns} --labels {args.labels}"
        text = (
            f"## Speed of the page\n\n{args.n:,} pictures, headless Chromium without a GPU on two cores, load"
            f" {os.getloadavg()[0]:.1f} at the end.\n\n{provenance(command, [])}\n\n{markdown(rows)}"
        )
        write_section(Path(args.write), "page-speed", text)


if __name__ == "__main__":
    main()
