"""Jobs: verbs that run as processes of their own."""

from fastapi import APIRouter

from tacit.web import schemas
from tacit.web.desk import Here

router = APIRouter()
MOST = 200  # jobs of the past that are listed


@router.get("/api/jobs")
def jobs(desk: Here) -> list[schemas.Job]:
    """The newest first."""
    _ = desk.project
    return desk.jobs.recent(MOST)


@router.post("/api/jobs")
def start(order: schemas.JobOrder, desk: Here) -> schemas.Job:
    """Start a verb, or let it wait until another one has ended."""
    _ = desk.project
    return desk.jobs.start(order)


@router.get("/api/jobs/{number}")
def details(number: int, desk: Here) -> schemas.JobDetails:
    _ = desk.project
    return desk.jobs.details(number)


@router.post("/api/jobs/{number}/stop")
def stop(number: int, desk: Here) -> schemas.Job:
    """Ask it to save and end; a second time, to end in any case."""
    _ = desk.project
    return desk.jobs.stop(number)


@router.post("/api/jobs/{number}/resume")
def resume(number: int, desk: Here) -> schemas.Job:
    _ = desk.project
    return desk.jobs.resume(number)
