"""The project as it stands: a clone of it, and the events that its tests know."""

import shutil
import subprocess
from pathlib import Path

from ops import ROOT
from ops.deploying import page

EVENTS = ROOT / "tests" / "events"


def copy_project(to: Path) -> None:
    """A clone of the project as it stands, without what is not in git except the built page."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, to / name)
    built = page.BUILT.relative_to(ROOT)
    if (ROOT / built).is_dir():
        shutil.copytree(ROOT / built, to / built)
