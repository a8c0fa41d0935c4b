"""The place where events wait: a SQLite database in a folder of the relay's own. It holds the lines
that were read and that the API has not yet confirmed, the time up to which the relay is known to
have listened, and the gaps that are still to be reported. When a method has returned, its changes
are on the disk. Beside it lie the lock, and in ``aside/`` the events that the API can't take.
"""

import contextlib
import fcntl
import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

LARGEST_LINE = 5 * 1024 * 1024  # bytes; the API takes no more in one POST
ASIDE = "aside"  # the folder of the events that the API can't take
_DRAINED = 0.9  # of the limit: a full spool counts as full until then, to avoid quick changes
_ROW_BYTES = 40  # what SQLite needs for a row, beside its body
_TIDY_BYTES = 16 * 1024 * 1024

_SCHEMA = """
CREATE TABLE IF NOT EXISTS lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL, read_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS gaps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    began REAL NOT NULL, ended REAL NOT NULL, cause TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
"""


class SpoolError(Exception):
    """The spool can't be used; the message says why, and what to do."""


class SpoolFull(Exception):
    """There is no more room for events."""


@dataclass(frozen=True)
class Line:
    """One event that waits."""

    id: int
    body: bytes


@dataclass(frozen=True)
class Gap:
    """A time in which the relay did not listen: seconds since 1970."""

    id: int
    began: float
    ended: float
    cause: str


class Spool:
    """``limit``: how many bytes may wait. Raises SpoolError.

    One thread may add while another takes. They wait for each other only to write. ``count`` says
    how many lines wait, ``size`` how many bytes they take.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self._limit = limit
        self._writing = threading.Lock()
        self._taking = threading.Lock()
        with contextlib.ExitStack() as opened:
            opened.enter_context(_locked(folder))
            self._open(folder, opened)
            self._opened = opened.pop_all()

    def _open(self, folder: Path, opened: contextlib.ExitStack) -> None:
        """Open the database, to be closed with ``opened``. Raises SpoolError."""
        try:
            # New lines are written through to the disk; deletions need not be.
            self._add_side = opened.enter_context(_connection(folder / "spool.db", "FULL"))
            self._take_side = opened.enter_context(_connection(folder / "spool.db", "NORMAL"))
            self._add_side.executescript(_SCHEMA)
            self.count: int
            self.size: int
            self.count, self.size = self._add_side.execute(
                "SELECT count(*), coalesce(sum(length(body) + ?), 0) FROM lines", (_ROW_BYTES,)
            ).fetchone()
            if not self.count and (folder / "spool.db").stat().st_size > _TIDY_BYTES:
                self._add_side.execute("VACUUM")
        except sqlite3.Error as error:
            raise SpoolError(
                f"The spool {folder} can't be used: {error}. "
                "Look at the disk and its rights, or take another folder with --spool."
            ) from error

    @property
    def full(self) -> bool:
        """Whether the limit has been reached."""
        return self.size >= self._limit

    @property
    def drained(self) -> bool:
        """Whether a spool that was full has room again."""
        return self.size < self._limit * _DRAINED

    def add(self, bodies: Sequence[bytes], now: float, listened_until: float) -> None:
        """Store what was read now, all or nothing, together with the time until which the relay has
        listened. Raises SpoolFull.
        """
        self.keep("listened_until", listened_until, bodies, now)

    def take(self, lines: int, size: int) -> list[Line]:
        """The oldest lines, limited in number and in total bytes, but at least one."""
        found: list[Line] = []
        with self._taking:
            for id_, body in self._take_side.execute(
                "SELECT id, body FROM lines ORDER BY id LIMIT ?", (lines,)
            ):
                # Between two lines there is a line break.
                size -= len(body) + 1
                if found and size < 0:
                    break
                found.append(Line(id_, body))
        return found

    def forget(self, lines: Sequence[Line]) -> None:
        """Delete all the lines that ``take`` returned, which are the oldest. Raises SpoolFull."""
        size = sum(len(line.body) for line in lines)
        with self._taking, self._write(self._take_side, -len(lines), -size) as database:
            database.execute("DELETE FROM lines WHERE id <= ?", (lines[-1].id,))

    def oldest(self) -> float | None:
        """When the oldest of the lines was read: seconds since 1970."""
        with self._taking:
            found = self._take_side.execute(
                "SELECT read_at FROM lines ORDER BY id LIMIT 1"
            ).fetchone()
        return found[0] if found else None

    def put_aside(self, body: bytes, now: float) -> Path | None:
        """Keep a line in a file because the API can't take it. Returns None if there is no room for
        it.
        """
        aside = self.folder / ASIDE
        aside.mkdir(mode=0o700, exist_ok=True)
        if sum(each.stat().st_size for each in aside.iterdir()) + len(body) > self._limit:
            return None
        file = aside / f"{now:.3f}-{hashlib.sha256(body).hexdigest()[:16]}.json"
        unfinished = file.with_suffix(".part")
        try:
            with unfinished.open("xb") as out:
                os.fchmod(out.fileno(), 0o600)
                out.write(body)
                out.flush()
                os.fsync(out.fileno())
            unfinished.rename(file)
        except OSError:
            unfinished.unlink(missing_ok=True)
            return None
        return file

    def note_cause(self, cause: str) -> None:
        """Note why the relay stopped listening, in case it ends before it listens again."""
        with self._write(self._add_side) as database:
            _set(database, "cause", cause)

    def begin(self, now: float, cause: str) -> Gap | None:
        """Note that the relay listens from now on, and the gap before, if it had listened before.
        If a cause was noted earlier, that one is used.
        """
        with self._write(self._add_side) as database:
            state = dict(database.execute("SELECT name, value FROM state").fetchall())
            _set(database, "listened_until", now)
            database.execute("DELETE FROM state WHERE name = 'cause'")
            if "listened_until" not in state:
                return None
            began = min(float(state["listened_until"]), now)
            cause = str(state.get("cause", cause))
            row = database.execute(
                "INSERT INTO gaps (began, ended, cause) VALUES (?, ?, ?)", (began, now, cause)
            )
            return Gap(int(row.lastrowid or 0), began, now, cause)

    def gaps(self) -> list[Gap]:
        """The gaps that are still to be reported."""
        with self._taking:
            rows = self._take_side.execute(
                "SELECT id, began, ended, cause FROM gaps ORDER BY id"
            ).fetchall()
        return [Gap(*row) for row in rows]

    def report(self, gap: Gap, body: bytes, now: float) -> None:
        """Replace a gap by the line that reports it."""
        with self._write(self._add_side, 1, len(body)) as database:
            database.execute("INSERT INTO lines (body, read_at) VALUES (?, ?)", (body, now))
            database.execute("DELETE FROM gaps WHERE id = ?", (gap.id,))

    def kept(self, name: str) -> str:
        """What ``keep`` stored last under that name; empty if nothing."""
        with self._taking:
            found = self._take_side.execute(
                "SELECT value FROM state WHERE name = ?", (name,)
            ).fetchone()
        return str(found[0]) if found else ""

    def keep(self, name: str, value: str | float, bodies: Sequence[bytes], now: float) -> None:
        """Store what the relay knows from now on, together with the lines that report it: all or
        nothing. Raises SpoolFull.
        """
        with self._write(self._add_side, len(bodies), sum(map(len, bodies))) as database:
            database.executemany(
                "INSERT INTO lines (body, read_at) VALUES (?, ?)", [(body, now) for body in bodies]
            )
            _set(database, name, value)

    def close(self) -> None:
        """Release the folder."""
        with self._taking, self._writing:
            self._opened.close()

    @contextlib.contextmanager
    def _write(
        self, database: sqlite3.Connection, lines: int = 0, size: int = 0
    ) -> Iterator[sqlite3.Connection]:
        """A transaction: all or nothing. Afterwards so many more lines, of so many bytes, wait."""
        with self._writing:
            try:
                with database:
                    yield database
            except sqlite3.OperationalError as error:
                raise SpoolFull(str(error)) from error
            self.count += lines
            self.size += size + lines * _ROW_BYTES


def _locked(folder: Path) -> TextIO:
    """The open lock file of the folder. Only one relay at a time can hold it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / "lock").open("a+")
    except OSError as error:
        raise SpoolError(
            f"The spool {folder} can't be used: {error.strerror}. "
            "Take another folder with --spool (RELAY_SPOOL)."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise SpoolError(
            f"Another relay uses the spool {folder}. End that one, or give this one a folder of "
            "its own with --spool (RELAY_SPOOL)."
        ) from error
    return lock


@contextlib.contextmanager
def _connection(path: Path, synchronous: str) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(path, timeout=10, check_same_thread=False)
    with contextlib.closing(database):
        path.chmod(0o600)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {synchronous}")
        database.execute(f"PRAGMA journal_size_limit = {_TIDY_BYTES}")
        yield database


def _set(database: sqlite3.Connection, name: str, value: object) -> None:
    database.execute("INSERT OR REPLACE INTO state (name, value) VALUES (?, ?)", (name, value))
