"""Who has which item before them: two people never get the same."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tacit.web.desk import Desk


class Queues:
    """Items handed out and not yet answered."""

    def __init__(self, desk: "Desk") -> None:
        self.desk = desk
