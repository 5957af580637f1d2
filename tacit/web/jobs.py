"""Verbs as child processes: started, followed, stopped, found again after a restart."""

from typing import TYPE_CHECKING

from tacit.web import schemas

if TYPE_CHECKING:
    from tacit.web.desk import Desk


class Jobs:
    """The jobs of a project."""

    def __init__(self, desk: "Desk") -> None:
        self.desk = desk
        self.version = 0

    def recent(self) -> list[schemas.Job]:
        return []

    def banners(self) -> list[schemas.Banner]:
        return []

    def close(self) -> list[str]:
        return []

    def after_answers(self) -> None:
        """Called when answers of the pool were recorded: a round may begin."""
