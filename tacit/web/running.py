"""Jobs: verbs that run as processes of their own."""

from fastapi import APIRouter

from tacit.web import schemas
from tacit.web.desk import Here

router = APIRouter()
MOST = 200  # jobs of the past that are listed


@router.get("/api/jobs")
def jobs(desk: Here) -> list[schemas.Job]:
    """The newest first."""
    return desk.jobs.recent(MOST)


@router.post("/api/jobs")
def start(order: schemas.JobOrder, desk: Here) -> schemas.Job:
    """Start a verb, or let it wait until another one has ended."""
    return desk.jobs.start(order)


@router.get("/api/jobs/{number}")
def details(number: int, desk: Here) -> schemas.JobDetails:
    return desk.jobs.details(number)


@router.post("/api/jobs/{number}/stop")
def stop(number: int, desk: Here) -> schemas.Job:
    """Ask it to save and end; a second time, to end in any case."""
    return desk.jobs.stop(number)


@router.post("/api/jobs/{number}/resume")
def resume(number: int, desk: Here) -> schemas.Job:
    return desk.jobs.resume(number)
