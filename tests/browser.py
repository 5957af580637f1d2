"""A real browser for the tests of the page: found, or installed where this machine lets it."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    if any(shutil.which(name) for name in NAMES):
        return
    if sys.platform == "linux" and shutil.which("apt-get"):
        as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        if not as_root or shutil.which("sudo"):
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            for words in (["update"], ["install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"]):
                subprocess.run([*as_root, "apt-get", "-qq", *words], env=environment, stdout=subprocess.DEVNULL)
    if not any(shutil.which(name) for name in NAMES):
        print(f"no browser was found ({', '.join(NAMES)}): tests of the page will be skipped", file=sys.stderr)


if __name__ == "__main__":
    main()
