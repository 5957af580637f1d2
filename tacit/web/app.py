"""The page's server: every page has its record under NAME.json, and everything a page does is a call with a schema."""

import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

import tacit
from tacit.disk import explain
from tacit.errors import BadData, BadEnvironment, NotEnoughLabels, TacitError, UnknownName, WrongUsage
from tacit.web import decoding, exchange, grid, items, labeling, maps, pages, people, running, schemas, state
from tacit.web.desk import Desk, OtherProject
from tacit.web.guard import HEADERS, Guard

DIST = Path(__file__).parent / "dist"  # the page, built by Vite
PAGES = ("", "map", "label", "grid", "progress", "train", "look", "runs", "settings", "people")
ROUTERS = (state, items, maps, grid, labeling, people, decoding, running, pages, exchange)
STATUS = {OtherProject: 421, UnknownName: 404, NotEnoughLabels: 409, WrongUsage: 400, BadData: 422, BadEnvironment: 503}
WRONG: dict[int | str, dict[str, Any]] = {
    status: {"model": schemas.Wrong} for status in (400, 401, 403, 404, 409, 413, 421, 422, 503)
}


def make_app(desk: Desk, *, hosts: Iterable[str] = (), token: str | None = None) -> FastAPI:
    """The application; the project is opened in the background when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if not desk.ready.is_set():
            threading.Thread(target=desk.open, name="opening", daemon=True).start()
        yield

    app = FastAPI(
        title="Tacit",
        version=tacit.__version__,
        docs_url=None,  # they would ask another host for their scripts
        redoc_url=None,
        lifespan=lifespan,
        responses=WRONG,
    )
    app.state.desk = desk
    for module in ROUTERS:
        app.include_router(module.router)
    app.add_exception_handler(TacitError, tell)
    app.add_exception_handler(RequestValidationError, tell_invalid)
    app.add_exception_handler(HTTPException, tell_http)
    app.add_exception_handler(OSError, tell_disk)
    app.add_exception_handler(Exception, tell_mistake)
    for name in PAGES:
        app.add_api_route(f"/{name}", index, methods=["GET"], include_in_schema=False)
    app.add_api_route("/assets/{name}", asset, methods=["GET"], include_in_schema=False)
    app.add_middleware(Guard, hosts=list(hosts), token=token)
    return app


def index() -> Response:
    """The one HTML file behind all pages."""
    if not (DIST / "index.html").is_file():
        raise BadEnvironment("the page has not been built\n  build it: make page")
    return FileResponse(DIST / "index.html", headers={"cache-control": "no-cache"})


def asset(name: str) -> Response:
    """Scripts and styles by their hashed names, which never change."""
    folder = DIST / "assets"
    if not folder.is_dir() or name not in {path.name for path in folder.iterdir() if path.is_file()}:
        raise UnknownName(f"there is no file called {name!r}")
    return FileResponse(folder / name, headers={"cache-control": "public, max-age=31536000, immutable"})


def wrong(status: int, error: str, next_: str = "", code: int = 2) -> JSONResponse:
    return JSONResponse(schemas.Wrong(error=error, next=next_, code=code).model_dump(), status)


def tell(request: Request, error: Exception) -> JSONResponse:
    """A failure that a person can do something about: its sentence, then what to do next."""
    assert isinstance(error, TacitError)
    status = next((s for kind, s in STATUS.items() if isinstance(error, kind)), 400)
    first, _, rest = str(error).partition("\n")
    return wrong(status, first, rest.strip(), error.exit_code)


def tell_invalid(request: Request, error: Exception) -> JSONResponse:
    """A request that does not fit its schema: which part, and why."""
    assert isinstance(error, RequestValidationError)
    said = "; ".join(f"{'.'.join(str(p) for p in e['loc'][1:]) or 'the body'}: {e['msg']}" for e in error.errors()[:5])
    return wrong(422, f"the request does not fit: {said}".encode("utf-8", "replace").decode(), "see /openapi.json")


def tell_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return wrong(error.status_code, f"{request.method} {request.url.path}: {error.detail}".lower(), "see /openapi.json")


def tell_disk(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OSError)
    known = explain(error, Path(str(error.filename or "a file")))
    return tell(request, known) if known else tell_mistake(request, error)


def tell_mistake(request: Request, error: Exception) -> JSONResponse:
    answer = wrong(500, f"a mistake in tacit itself: {type(error).__name__}: {error}", "see the terminal", 1)
    answer.headers.update(HEADERS)  # it is sent from outside the guard
    return answer
