"""Build the page that the API serves at GET /, where it is missing or older than its sources."""

from ops import cli
from ops.deploying import page


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    cli.Parser(description=__doc__).parse_args(argv)
    page.ensure()
    return 0


if __name__ == "__main__":
    cli.run(main)
