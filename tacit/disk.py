"""Files that are either whole or not there: written beside their place, then moved into it."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tacit.errors import BadEnvironment

FULL = {errno.ENOSPC, errno.EDQUOT}
DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """A temporary path beside `path`, for whatever writes a file; it takes the place of `path` when the block ends well.

    When the block fails, `path` is as it was and nothing is left behind. A full disk or a forbidden folder leaves as
    BadEnvironment, also where a library wraps the system's error in one of its own.
    """
    path = Path(path)
    # the suffix stays: np.save and its like add their own to a name without it
    temporary = path.with_name(f".{path.stem}.{os.getpid()}-{secrets.token_hex(3)}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())  # else a power cut may leave the new name on an empty file
        os.replace(temporary, path)
    except Exception as error:
        if (explained := explain(error, path)) is not None:
            raise explained from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_atomic(path: Path | str, content: str | bytes) -> None:
    """`content` as the file `path`; a reader sees the old file or the new one, never a part."""
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def explain(error: Exception, path: Path) -> BadEnvironment | None:
    """A failure to write as a sentence; None when it is not the disk's."""
    number = error.errno if isinstance(error, OSError) else None
    if number in FULL or "No space left" in str(error):
        return BadEnvironment(
            f"the disk is full: {path} could not be written; what was there before is unchanged\n"
            "  free some space, then repeat the command"
        )
    if number in DENIED:
        return BadEnvironment(
            f"{path} cannot be written: {os.strerror(number or 0).lower()}\n  check the folder and its permissions"
        )
    return None
