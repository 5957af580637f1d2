"""Which item the name in another program's file means: paths, uploads, addresses of local and remote files."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

LOCAL_FILES, UPLOADS = "/data/local-files/", "/data/upload/"  # of addresses that Label Studio serves itself
UPLOAD = re.compile(r"^[0-9a-f]{8}-(.+)$")  # Label Studio puts a random prefix before the names of uploads
MEANING_NO_FOLDER = ("http", "https", "s3", "gs", "azure-blob", "upload")  # folders there are none of the source's


@dataclass(frozen=True)
class Spelling:
    """A name as a path, and whether its folders can be those of the source."""

    path: str
    scheme: str


class Names:
    """The items of a project, by every name that may be used for them elsewhere.

    A path that is known is found at once. Otherwise the last part of it must be the name of one item only, and its
    folders must not contradict those of the item, unless they are folders of a server, which say nothing.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        """`known` maps ids and paths (relative to the source) to ids."""
        self.known = known
        self._by_base: dict[str, list[str]] = {}
        self._uploaded: dict[str, list[str]] = {}
        for path in known:
            base = path.rsplit("/", 1)[-1]
            self._by_base.setdefault(base, []).append(path)
            self._uploaded.setdefault(_valid(base), []).append(path)

    def find(self, name: str) -> str | None:
        """The id of the item of this name; None where there is none, or more than one."""
        for form in (name, name.strip(), os.path.normpath(name.strip().replace("\\", "/"))):
            if form in self.known:
                return self.known[form]
        return next((found for each in _spellings(name) if (found := self._resolve(each)) is not None), None)

    def find_any(self, names: Iterable[str]) -> str | None:
        """The one item that some of these names mean; None where they mean different ones."""
        found = {item for name in names if (item := self.find(name)) is not None}
        return found.pop() if len(found) == 1 else None

    def _resolve(self, spelling: Spelling) -> str | None:
        base = spelling.path.rsplit("/", 1)[-1]
        upload = spelling.scheme == "upload"
        paths = self._by_base.get(base) or (self._uploaded.get(base) if upload else None) or []
        agreeing = [path for path in paths if _ends_alike(path, spelling.path)]
        if not agreeing and spelling.scheme in MEANING_NO_FOLDER:
            agreeing = paths
        longest = max((_common(path, spelling.path) for path in agreeing), default=0)
        items = {self.known[path] for path in agreeing if _common(path, spelling.path) == longest}
        return items.pop() if len(items) == 1 else None


def _spellings(name: str) -> list[Spelling]:
    """A name as the paths it may stand for, the likeliest first."""
    try:
        parts = urlsplit(name.strip().replace("\\", "/"))
    except ValueError:  # a bracket in the place of a host, say
        return []
    scheme = parts.scheme.lower() if parts.netloc or "://" in name else ""
    if LOCAL_FILES in parts.path:
        return [Spelling(path, "") for path in parse_qs(parts.query).get("d", [])]
    if UPLOADS in parts.path:
        base = unquote(parts.path).rsplit("/", 1)[-1]
        without = UPLOAD.match(base)
        return [Spelling(each, "upload") for each in ([without[1]] if without else []) + [base]]
    if scheme and scheme != "file":
        return [Spelling(unquote(parts.path), scheme)]
    path = name.strip().replace("\\", "/").removeprefix("file://")
    return [Spelling(each, "") for each in dict.fromkeys([path, unquote(path)]) if each]


def _ends_alike(a: str, b: str) -> bool:
    """Whether one of two paths is the end of the other."""
    return _common(a, b) == min(len(_parts(a)), len(_parts(b)))


def _common(a: str, b: str) -> int:
    """How many parts at the end two paths share; the last ones count as shared: an upload may spell it differently."""
    pairs = zip(reversed(_parts(a)[:-1]), reversed(_parts(b)[:-1]), strict=False)
    return 1 + next(
        (i for i, (one, other) in enumerate(pairs) if one != other), min(len(_parts(a)), len(_parts(b))) - 1
    )


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")] or [""]


def _valid(base: str) -> str:
    """A file's name as a server of uploads keeps it (Django's get_valid_name)."""
    return re.sub(r"(?u)[^-\w.]", "", base.strip().replace(" ", "_"))
