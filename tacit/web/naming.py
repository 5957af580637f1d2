"""What the name in an answer means by now: pages that were open for long may not know that a class was renamed."""

import threading
from typing import TYPE_CHECKING

from tacit.data.events import CANNOT_TELL

if TYPE_CHECKING:
    from tacit.web.open_project import OpenProject


class Naming:
    """The names in project.toml, read again where it was written since."""

    def __init__(self, desk: "OpenProject") -> None:
        self.desk = desk
        self.lock = threading.Lock()  # no answer is recorded while a class changes
        self._read: tuple[tuple[int, int], frozenset[str], dict[str, str]] | None = None

    def names(self) -> "Names":
        from tacit.project.classes import former_names
        from tacit.project.settings import Settings

        written = (self.desk.folder / "project.toml").stat()
        stamp = written.st_mtime_ns, written.st_ino
        if self._read is None or self._read[0] != stamp:
            settings = Settings(self.desk.folder)
            self._read = stamp, frozenset(settings.classes), former_names(settings)
        return Names(self.desk, *self._read[1:])


class Names:
    """Classes as they stand while some answers are recorded."""

    def __init__(self, desk: "OpenProject", declared: frozenset[str], renamed: dict[str, str]) -> None:
        self.desk, self.declared, self.renamed = desk, declared, renamed
        self.used: dict[str, str] = {}  # renamings that were needed
        self._known = ""  # all of them, for refusals

    def now(self, answer: str) -> str | None:
        """The name that is to be recorded; None where there is no such class."""
        from tacit.project.classes import follow

        answer = answer.strip()
        if answer == CANNOT_TELL or self._is_class(answer):
            return answer
        name = follow(answer, self.renamed)
        if not self._is_class(name):
            return None
        self.used[answer] = name
        return name

    def refusal(self, answer: str) -> str:
        from tacit.project.classes import now

        self._known = self._known or ", ".join(now(self.desk.project)) or "none yet"
        return f"there is no class called {answer!r} (any more); the classes are: {self._known}"

    def _is_class(self, name: str) -> bool:
        """Whether project.toml names it, or some item has it as of now."""
        standing = self.desk.standing
        code = None if name in self.declared else standing.number.get(name)
        return name in self.declared or (code is not None and bool((standing.code == code).any()))
