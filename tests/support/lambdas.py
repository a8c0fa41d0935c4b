"""Functions of Lambda, as far as they can be seen: they are never invoked."""

import io
import zipfile

from ops.stage.clients import client


def make_role(name: str) -> str:
    """A role for functions; its ARN."""
    role = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    return str(role["Role"]["Arn"])


def make_function(name: str, role: str) -> str:
    """A function; its ARN."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "")
    made = client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=role,
        Handler="app.app",
        Code={"ZipFile": code.getvalue()},
    )
    return str(made["FunctionArn"])
