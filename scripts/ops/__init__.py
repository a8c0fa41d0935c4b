"""What the scripts share: the stage's resources, the Marathon client, the terminal.

Importing it, which every script does first, puts the project's root on the path, and stops with a
plain sentence if this Python does not have the project's packages.
"""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

_NEEDED = ("boto3", "chalice", "httpx", "pydantic", "rich")

if _missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
    sys.exit(
        f"{sys.executable} lacks {', '.join(_missing)}.\n"
        "Use the project's own Python: .venv/bin/python scripts/… (any make target makes .venv)."
    )
