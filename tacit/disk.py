"""Files and folders that are either whole or not there: written beside their place, then moved into it."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tacit.errors import BadEnvironment, WrongUsage

FULL = {errno.ENOSPC, errno.EDQUOT}
DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """A temporary path beside `path`, for whatever writes a file; it takes `path`'s place when the block ends well.

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
        with suppress(OSError):  # gone already, or in a folder that let nothing be written either
            temporary.unlink()


def write_atomic(path: Path | str, content: str | bytes) -> None:
    """`content` as the file `path`; a reader sees the old file or the new one, never a part."""
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def new_folder(path: Path | str) -> Iterator[Path]:
    """The same for a folder: a temporary one beside `path` that becomes it when the block ends well.

    Raises WrongUsage when there is something at `path` already: nothing is overwritten silently.
    """
    path = Path(path)
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise WrongUsage(f"{path} exists already\n  name another place, or remove it first")
    temporary = path.absolute().with_name(f".{path.absolute().name}.{os.getpid()}-{secrets.token_hex(3)}")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        os.replace(temporary, path)
    except Exception as error:
        if (explained := explain(error, path)) is not None:
            raise explained from error
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def explain(error: Exception, path: Path) -> BadEnvironment | None:
    """A failure of the disk as a sentence; None when it is none of the disk's."""
    number = error.errno if isinstance(error, OSError) else None
    if number in FULL or "No space left" in str(error):
        return BadEnvironment(
            f"the disk is full: {path} could not be written; what was there before is unchanged\n"
            "  free some space, then repeat the command"
        )
    if number in DENIED:
        return BadEnvironment(
            f"{path} cannot be used: {os.strerror(number or 0).lower()}\n  check the folder and its permissions"
        )
    return None
