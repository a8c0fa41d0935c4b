"""Make what CI needs to deploy a stage by CloudFormation alone: the functions' package and the
template of the whole stage, in a folder. docs/ci.md says how to deploy them.
"""

from ops import cli
from ops.cli import out, say
from ops.deploying import package, page
from ops.stage.config import check_stage


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = cli.parser(__doc__ or "")
    parser.add_argument(
        "--out", type=cli.file, required=True, metavar="FOLDER", help="where to write them"
    )
    args = parser.parse_args(argv)
    check_stage(args.stage)
    page.ensure()
    say(f"Packaging stage {args.stage} …")
    package.make(args.stage, args.out)
    out(str(args.out / "sam.json"))
    return 0


if __name__ == "__main__":
    cli.run(main)
