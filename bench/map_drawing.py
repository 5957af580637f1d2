"""The first picture of a map in a browser without a graphics card: 10,000, 100,000 and 1,000,000 points.

    make page && python bench/map_drawing.py [--peer FOLDER] [--turns 5] [--write docs/results.md]

The page is the one people get, with all of its states and its legend; only the server behind it is a small one that
serves made points. FOLDER is where `npm i --prefix FOLDER regl-scatterplot@1.16` put a peer: then it draws the same
points as plain dots, in turns with the page.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from tacit.bench.results import markdown, provenance, write_section
from tacit.web.app import DIST
from tacit.web.guard import HEADERS

SIZES = (10_000, 100_000, 1_000_000)
PAGE = Path(__file__).parents[1] / "page"
WIDTH, HEIGHT = 1280, 800
PEER = """
import createScatterplot from "regl-scatterplot";
const canvas = document.querySelector("canvas");
const { width, height } = canvas.getBoundingClientRect();
const plot = createScatterplot({ canvas, width, height, pointSize: 2, opacity: 0.5 });
const xy = new Float32Array(await (await fetch("/api/map/points.bin")).arrayBuffer());
const n = xy.length / 2, x = new Float32Array(n), y = new Float32Array(n);
for (let i = 0; i < n; i++) { x[i] = xy[2 * i]; y[i] = xy[2 * i + 1]; }
await plot.draw({ x, y });
const gl = plot.get("regl")._gl;
gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
performance.mark("map-first-picture");
document.documentElement.dataset.mapDrawn = n;
"""
PEER_PAGE = """<!doctype html><meta charset="utf-8"><style>canvas { width: 1000px; height: 460px }</style>
<canvas></canvas><script type="module" src="/peer.js"></script>"""
MEASURE = """() => ({
  picture: performance.getEntriesByName("map-first-picture")[0].startTime,
  arrived: Math.max(...performance.getEntriesByType("resource").filter((one) => one.name.includes(".bin")
    && !one.name.includes("column")).map((one) => one.responseEnd)),
})"""


def made_map(n: int) -> dict[str, bytes]:
    """Points (n, 2) of twenty groups, their rows, and states as in a project: a fifth is the yardstick."""
    rng = np.random.default_rng(0)
    centers = rng.uniform(-0.8, 0.8, (20, 2))
    xy = np.clip(centers[rng.integers(20, size=n)] + rng.normal(0, 0.07, (n, 2)), -1, 1)
    states = np.where(rng.random(n) < 0.02, 1, 0) | np.where(rng.random(n) < 0.02, 8, 0)
    states[int(0.8 * n) :] = 4
    groups = rng.integers(-1, 10, n)
    return {
        "/api/map/points.bin": xy.astype("<f4").tobytes(),
        "/api/map/rows.bin": np.arange(n, dtype="<i4").tobytes(),
        "/api/map/states.bin": states.astype(np.uint8).tobytes(),
        "/api/map/column.bin": groups.astype("<i2").tobytes(),
    }


def records(n: int) -> dict[str, Any]:
    """What a server would say of this map."""
    space: dict[str, Any] = {"name": "001-made", "method": "made", "seed": 0, "hash": "0" * 12, "items": n, "dim": 64}
    space |= {"learned": True, "decodes": False}
    classes = [{"name": str(k), "key": "", "labeled": 0, "yardstick": 0} for k in range(10)]
    state: dict[str, Any] = {"version": 1, "ready": True, "waiting": "", "name": "made", "folder": "", "kind": "image"}
    state |= {"shape": [1, 8, 8], "items": n, "pool": int(0.8 * n), "yardstick": n - int(0.8 * n), "labeled": 0}
    state |= {"yardstick_labeled": 0, "cannot_tell": 0, "flagged": 0, "suggested": 0, "round": 0, "classes": classes}
    state |= {"keys": {}, "space": space, "model": None, "jobs": [], "banners": []}
    record: dict[str, Any] = {
        "ready": True,
        "waiting": "",
        "space": space,
        "spaces": [space],
        "version": "1",
        "points": n,
        "of": n,
    }
    record |= {"pool": int(0.8 * n), "made": "made", "kept": None, "note": "", "clusters": [], "views": []}
    record |= {"columns": [{"name": "class", "title": "class", "kind": "category"}]}
    column: dict[str, Any] = {"name": "class", "kind": "category", "labels": [str(k) for k in range(10)], "counts": []}
    column |= {"low": None, "high": None, "missing": 0, "said": ""}
    return {"/state.json": state, "/map.json": record, "/api/map/column.json": column}


class Serve(BaseHTTPRequestHandler):
    """The built page with the policy of the real server, made points, and the peer's page (which needs another)."""

    protocol_version = "HTTP/1.1"

    def __init__(self, answers: dict[str, tuple[str, bytes]], *args: Any) -> None:
        self.answers = answers
        super().__init__(*args)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        kind, body = self.answers.get(path, ("text/plain", b""))
        self.send_response(200 if path in self.answers else 404)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        if path == "/map":
            self.send_header("content-security-policy", HEADERS["content-security-policy"])
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def served(n: int, dist: Path, peer: bytes | None) -> Iterator[str]:
    """The address of a server for a map of n points."""
    kinds = {".js": "text/javascript", ".css": "text/css"}
    answers = {path: ("application/octet-stream", body) for path, body in made_map(n).items()}
    answers |= {path: ("application/json", json.dumps(body).encode()) for path, body in records(n).items()}
    answers["/map"] = "text/html", (dist / "index.html").read_bytes()
    for file in (dist / "assets").iterdir():
        answers[f"/assets/{file.name}"] = kinds.get(file.suffix, "application/octet-stream"), file.read_bytes()
    if peer is not None:
        answers |= {"/peer": ("text/html", PEER_PAGE.encode()), "/peer.js": (kinds[".js"], peer)}
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Serve, answers))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def bundled(folder: Path) -> bytes:
    """The peer and the few lines that use it, as one script; and which version it is goes into the table."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        entry, out = Path(place) / "peer.js", Path(place) / "out.js"
        entry.write_text(PEER)
        rolldown = PAGE / "node_modules" / ".bin" / "rolldown"
        subprocess.run([rolldown, entry, "--file", out, "--format", "esm", "--minify"], check=True, capture_output=True)
        return out.read_bytes()


def measure(playwright: Any, browser: str, address: str) -> tuple[float, float]:
    """Seconds from the navigation to the first picture in a fresh browser, and of these since the points had arrived."""
    chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
    try:
        tab = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        tab.goto(address)
        tab.wait_for_selector("html[data-map-drawn]", state="attached", timeout=120_000)
        found = tab.evaluate(MEASURE)
        return found["picture"] / 1000, (found["picture"] - found["arrived"]) / 1000
    finally:
        chromium.close()


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dist", type=Path, default=DIST)
    parser.add_argument("--browser", default="/usr/bin/chromium")
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--write", default="")
    args = parser.parse_args()
    peer = bundled(args.peer) if args.peer else None
    who = {"this page": "/map"} | ({"regl-scatterplot 1.16, plain dots": "/peer"} if peer else {})
    rows = [["points", "drawn by", "navigation to first picture (s)", "of these since the points arrived (s)"]]
    with sync_playwright() as playwright:
        for n in SIZES:
            found: dict[str, list[tuple[float, float]]] = {name: [] for name in who}
            with served(n, args.dist, peer) as address:
                for turn in range(args.turns):
                    for name in list(who)[:: 1 if turn % 2 == 0 else -1]:
                        found[name].append(measure(playwright, args.browser, address + who[name]))
            for name, times in found.items():
                rows.append([f"{n:,}", name, *(spread([one[k] for one in times]) for k in (0, 1))])
                print(" | ".join(rows[-1]), flush=True)
    if args.write:
        how = (
            f"Headless Chromium without a graphics card, {WIDTH} x {HEIGHT} pixels, {os.cpu_count()} cores "
            f"({platform.machine()}), load {os.getloadavg()[0]:.1f}; median [lowest, highest] of {args.turns} turns, a fresh "
            "browser each. A picture counts once its pixels can be read back. Where the processor computes what a graphics "
            "card would, this page stamps more than 8,000 points into a canvas instead of asking WebGL."
        )
        text = f"## Speed: drawing the map\n\n{provenance('python bench/map_drawing.py', [0])}\n\n{how}\n\n{markdown(rows)}"
        write_section(Path(args.write), "map-drawing", text)


def spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f} [{min(seconds):.2f}, {max(seconds):.2f}]"


if __name__ == "__main__":
    main()
