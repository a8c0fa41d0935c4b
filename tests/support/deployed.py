"""The function ``deliver`` of a stage, as far as the scripts see it: they look whether it is there,
and make mappings for it.
"""

import io
import zipfile

from ops.deploying import roles
from ops.stage.clients import client
from ops.stage.resources import Stage


def make_deliver(stage: Stage) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "")
    client("lambda").create_function(
        FunctionName=f"marathon-events-{stage.name}-deliver",
        Runtime="python3.11",
        Role=roles.arns(stage.name)["deliver"],
        Handler="app.deliver",
        Code={"ZipFile": code.getvalue()},
    )
