"""A job's process: `tacit` as a person would type it, and its exit code left in a file where a later server finds it."""

import json
import os
import runpy
import sys
import time
from contextlib import suppress
from pathlib import Path

NICE = 5  # the page answers first


def main(end: Path, words: list[str]) -> int:
    """Run the verb in this process; `end` then holds its code and when it ended. A kill leaves no such file."""
    with suppress(OSError):
        os.nice(NICE)
    sys.argv = ["tacit", *words]
    try:
        runpy.run_module("tacit", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except KeyboardInterrupt:  # before the verb had begun
        code = 130
    sys.stdout.flush()
    beside = end.with_suffix(".part")
    beside.write_text(json.dumps({"code": code, "ended": time.time()}), encoding="utf-8")
    os.replace(beside, end)
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
