"""The deployment package, unpacked, and an interpreter that has only what Lambda has."""

import os
import platform
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

from ops.deploying import package

from tests.support.project import copy_project

# Lambda brings boto3 and what it needs, and nothing of what tests and scripts use.
LAMBDA_BRINGS = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py")
# What ``deliver`` alone imports.
FOR_DELIVER = {
    "apprise",
    "certifi",
    "charset_normalizer",
    "click",
    "idna",
    "markdown",
    "oauthlib",
    "requests",
    "requests_oauthlib",
    "urllib3",
    "yaml",
    "_yaml",
    "bin",
}
LAMBDA_ENVIRONMENT = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "PYTHONDONTWRITEBYTECODE": "1",  # what it unpacks, Lambda mounts read-only
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "lambda",
    "AWS_SECRET_ACCESS_KEY": "lambda",
    "EVENTS_TABLE": "events",
    "EVENTS_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:events",
    "ALERTS_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:alerts",
    "SPILL_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/spill",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/dead-letters",
}


# Chalice packs for Linux on x86_64; elsewhere the package can be built, but not run.
RUNS_HERE = (sys.platform, platform.machine()) == ("linux", "x86_64")


def build(where: Path, *, plainly: bool = False) -> Path:
    """The package as ``make package`` builds it, or ``plainly`` as ``chalice package`` alone does;
    unpacked.
    """
    out = where / "out"
    if plainly:
        copy_project(where / "project")
        subprocess.run(
            [Path(sys.executable).with_name("chalice"), "package", "--stage", "dev", out],
            cwd=where / "project",
            env=os.environ | {"AWS_DEFAULT_REGION": "us-east-1"},
            check=True,
            capture_output=True,
            text=True,
        )
    else:
        package.make("prod", out)
    return unpacked(out, where / "unpacked")


def unpacked(out: Path, to: Path) -> Path:
    """The package in a folder that ``make package`` wrote, unpacked."""
    with zipfile.ZipFile(out / "deployment.zip") as archive:
        archive.extractall(to)
    return to


def lambda_python(home: Path) -> Path:
    """A bare interpreter with the SDK of this one."""
    venv.create(home, with_pip=False, symlinks=True)
    (theirs,) = home.glob("lib/python*/site-packages")
    (ours,) = Path(sys.prefix).glob("lib/python*/site-packages")
    for name in LAMBDA_BRINGS:
        (theirs / name).symlink_to(ours / name)
    return home / "bin" / "python"
