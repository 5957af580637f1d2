"""What every route is handed: the open project, and those who work on it meanwhile."""

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, File, Request
from pydantic import GetPydanticSchema, WithJsonSchema
from pydantic_core import core_schema
from starlette.datastructures import UploadFile

from tacit.errors import WrongUsage
from tacit.web.open_project import OpenProject

if TYPE_CHECKING:  # torch takes seconds to load, and the page should be there before
    from tacit.web.facts import Facts
    from tacit.web.jobs import Jobs
    from tacit.web.layouts import Layouts
    from tacit.web.queues import Queues


MEANT = "tacit-project"  # the header in which a page says which project it shows


class Desk(OpenProject):
    """The project, with its jobs, the queues of items to label, its maps, and what is found out about spaces."""

    def _begin(self) -> None:
        super()._begin()
        _ = self.jobs, self.queues, self.layouts

    @cached_property
    def jobs(self) -> "Jobs":
        from tacit.web.jobs import Jobs

        return Jobs(self)

    @cached_property
    def queues(self) -> "Queues":
        from tacit.web.queues import Queues

        return Queues(self)

    @cached_property
    def layouts(self) -> "Layouts":
        from tacit.web.layouts import Layouts

        return Layouts(self)

    @cached_property
    def facts(self) -> "Facts":
        from tacit.web.facts import Facts

        return Facts(self.layouts)

    def forget_items(self) -> None:
        super().forget_items()
        self.queues.forget_items()

    def _now(self) -> tuple[Any, ...]:
        return *super()._now(), self.jobs.version


def desk_of(request: Request) -> Desk:
    found: Desk = request.app.state.desk
    return found


class OtherProject(WrongUsage):
    """Asked by a page that was opened while another project was served at this address."""


def opened(request: Request) -> Desk:
    """The desk with its project open; raises what went wrong where it could not be opened, or where another is meant."""
    desk = desk_of(request)
    name = desk.project.settings.get("name", desk.folder.stem)
    if request.headers.get(MEANT, desk.identity) != desk.identity:
        raise OtherProject(f"another project, {name}, is served here now\n  load the page again to work on {name}")
    return desk


Here = Annotated[Desk, Depends(opened)]
Early = Annotated[Desk, Depends(desk_of)]  # of a route that has something to say while the project is being opened
# A file that came with a form. What FastAPI hands over is not of the class that it calls by this name.
SENT = GetPydanticSchema(lambda _source, _handler: core_schema.is_instance_schema(UploadFile))
BYTES = WithJsonSchema({"type": "string", "contentMediaType": "application/octet-stream"})
Sent = Annotated[UploadFile, File(), SENT, BYTES]
