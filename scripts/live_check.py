"""Try on a live account what no emulator shows: deploy a stage of its own, look at what the list
names, report, and take the stage down, its table too. It takes a quarter of an hour, and costs
some cents. It was written against an emulator, and has never yet run on AWS.
"""

import argparse
import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from ops import ROOT, cli
from ops.cli import Failure, confirm, out, say
from ops.live import checks
from ops.live.checks import CHECKS, Live
from ops.stage import resources, stacks
from ops.stage.clients import client

# Ctrl-C, a supervisor that ends us, a terminal that is closed.
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_EPILOG = "checks:\n" + "".join(f"  {n:<15} {c.__doc__}\n" for n, c in CHECKS.items())


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    args = _arguments(argv)
    name = args.stage
    resources.check_ours(name)
    if stacks.outputs(stacks.table_stack(name)) is not None:
        raise Failure(
            f"Stage {name} is deployed. A live check wants a stage of its own, which it deletes: "
            "copy one in .chalice/config.json under a new name."
        )
    if not args.yes:
        confirm(f"Deploy stage {name}, try it, and delete it with its table? Type its name:", name)
    failed = 0
    with _at_endings(signal.default_int_handler):
        try:
            run_script("deploy", name)
            live = checks.prepare(
                resources.find_running(name), lambda *more: run_script("deploy", name, *more)
            )
            failed = sum(not _passed(each, live) for each in args.only or CHECKS)
        finally:
            with _at_endings(signal.SIG_IGN):
                _take_down(name)
    return cli.EXIT_FAILED if failed else 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = cli.parser(__doc__ or "", epilog=_EPILOG)
    parser.add_argument(
        "--only", action="append", choices=CHECKS, help="this check; may be given several times"
    )
    parser.add_argument("--yes", action="store_true", help="don't ask")
    return parser.parse_args(argv)


@contextlib.contextmanager
def _at_endings(handler: Any) -> Iterator[None]:
    """What is done meanwhile at a signal that would end this. What is started here ignores a signal
    that is ignored, too.
    """
    before = {each: signal.signal(each, handler) for each in _ENDINGS}
    try:
        yield
    finally:
        for each, handled in before.items():
            signal.signal(each, handled)


def _passed(name: str, live: Live) -> bool:
    try:
        out(f"ok      {name}: {CHECKS[name](live)}")
    except cli.EXPECTED as error:
        out(f"failed  {name}: {cli.sentence(error)}")
        return False
    return True


def run_script(name: str, stage: str, *more: str) -> None:
    """Run one of our own commands for the stage. Raises Failure."""
    command = [sys.executable, str(ROOT / "scripts" / f"{name}.py"), "--stage", stage, *more]
    if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode:
        raise Failure(f"scripts/{name}.py failed (above).")


def _take_down(stage: str) -> None:
    """Delete all of the stage, also what a deploy that failed or was interrupted left behind."""
    if stacks.outputs(stacks.table_stack(stage)) is None:
        return
    say(f"Taking stage {stage} down; Ctrl-C does not stop this …")
    try:
        _delete(stage)
    except cli.EXPECTED as error:
        raise Failure(
            f"Stage {stage} is not gone, and goes on costing: {cli.sentence(error)} Run "
            f"scripts/destroy.py --stage {stage}, then delete its table and the stack "
            f"{stacks.table_stack(stage)}."
        ) from error
    say(f"Stage {stage} is gone.")


def _delete(stage: str) -> None:
    stack = stacks.table_stack(stage)
    if not stacks.outputs(stack):  # it is being made, or could not be
        with contextlib.suppress(Failure):
            stacks.wait("stack_create_complete", stack)
    table = (stacks.outputs(stack) or {}).get("TableName")
    if table:
        run_script("destroy", stage, "--yes")
        client("dynamodb").update_table(TableName=table, DeletionProtectionEnabled=False)
    stacks.delete(stack)
    if table:
        client("dynamodb").delete_table(TableName=table)


if __name__ == "__main__":
    cli.run(main)
