"""Through CI, by what ``make package`` writes: one stack is a whole stage."""

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ops.cli import Failure
from ops.deploying import mappings, package, roles, throttling
from ops.deploying.functions import FUNCTIONS
from ops.stage import config, deployed, resources, stacks
from ops.stage.clients import client

import plan
import pytest

import app

Template = dict[str, Any]


@pytest.fixture(scope="module")
def transformed(aws: str, packaged: Path) -> Template:
    """What CloudFormation makes of it, by AWS's own translator of Serverless templates."""
    from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
    from samtranslator.translator.transform import transform

    template = json.loads((packaged / "sam.json").read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            assert resource["Properties"]["CodeUri"] == "./deployment.zip"
            resource["Properties"]["CodeUri"] = "s3://bucket/package"
    found: Template = transform(template, {}, ManagedPolicyLoader(client("iam")))
    return found


def test_cloudformation_would_take_it(transformed: Template, tmp_path: Path) -> None:
    template = tmp_path / "transformed.json"
    template.write_text(json.dumps(transformed))
    command = [Path(sys.executable).with_name("cfn-lint"), template]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_api_has_one_stage_and_no_other(transformed: Template) -> None:
    made = transformed["Resources"].values()
    stages = [each for each in made if each["Type"] == "AWS::ApiGateway::Stage"]
    assert [each["Properties"]["StageName"] for each in stages] == ["prod"]
    deployments = [each for each in made if each["Type"] == "AWS::ApiGateway::Deployment"]
    assert deployments
    assert not any("StageName" in each["Properties"] for each in deployments)


def test_a_failed_first_creation_leaves_no_table(
    transformed: Template,
) -> None:
    kept = {
        each["Type"]: each["DeletionPolicy"]
        for each in transformed["Resources"].values()
        if each.get("DeletionPolicy", "Delete") != "Delete"
    }
    assert kept == {"AWS::DynamoDB::Table": "RetainExceptOnCreate"}


def test_one_stack_is_a_whole_stage(transformed: Template) -> None:
    """As far as moto goes: it takes neither Chalice's API nor its deployment."""
    template = copy.deepcopy(transformed)
    made = template["Resources"]
    made["RestAPI"]["Properties"]["Name"] = made["RestAPI"]["Properties"].pop("Body")["info"][
        "title"
    ]
    for name in [each for each in made if each.startswith(("RestAPID", "RestAPIprod"))]:
        del made[name]
    client("s3").create_bucket(Bucket="bucket")
    client("s3").put_object(Bucket="bucket", Key="package", Body=b"")
    name = "whole"
    client("cloudformation").create_stack(
        StackName=stacks.whole_stack(name),
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": "Stage", "ParameterValue": name}],
    )
    stage = resources.find(name)
    assert all(stage.environment().values())
    for function in FUNCTIONS:
        live = mappings.live(function, name)
        assert live, function.name
        variables = live["Configuration"]["Environment"]["Variables"]
        assert variables == config.variables("prod") | stage.environment()
    answer = client("lambda").list_event_source_mappings()["EventSourceMappings"]
    read = {e["FunctionArn"]: e["EventSourceArn"] for e in answer if f"-{name}" in e["FunctionArn"]}
    assert len(read) == len([each for each in FUNCTIONS if each.feed])
    assert stage.stream_arn in read.values()
    assert deployed.api_url(stage).startswith("https://")
    assert deployed.api_url(stage).endswith(".amazonaws.com/prod")


def test_serverless_takes_every_setting_that_chalice_does_not(transformed: Template) -> None:
    made = transformed["Resources"]
    stage = package.STAGE
    for function in FUNCTIONS:
        if function.feed:
            (mapping,) = [
                each["Properties"]
                for each in made.values()
                if each["Type"] == "AWS::Lambda::EventSourceMapping"
                and each["Properties"]["FunctionName"] == {"Ref": package.logical_name(function)}
            ]
            assert mappings.holds(mapping, package.replaced(function.mapping(stage)))
    (api,) = [each for each in made.values() if each["Type"] == "AWS::ApiGateway::Stage"]
    assert len(api["Properties"]["MethodSettings"]) == len(throttling.LIMITS)


def test_names_are_those_that_alarms_logs_and_roles_know(transformed: Template) -> None:
    made = transformed["Resources"]
    functions = [e["Properties"] for e in made.values() if e["Type"] == "AWS::Lambda::Function"]
    named = {json.dumps(each["FunctionName"]) for each in functions}
    assert named == {json.dumps({"Fn::Sub": each.lambda_name("${Stage}")}) for each in FUNCTIONS}
    assert made["RestAPI"]["Properties"]["Body"]["info"]["title"] == app.app.app_name
    for each in FUNCTIONS:
        properties = made[package.logical_name(each)]["Properties"]
        assert properties["Role"] == {"Fn::Sub": f"${{{roles.logical_name(each)}.Arn}}"}
    made_roles = {name for name, each in made.items() if each["Type"] == "AWS::IAM::Role"}
    assert made_roles == {roles.logical_name(each) for each in FUNCTIONS}


def test_our_scripts_leave_such_a_stage_to_ci(aws: str) -> None:
    client("cloudformation").create_stack(
        StackName=stacks.whole_stack("prod"),
        TemplateBody=json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}),
    )
    try:
        with pytest.raises(Failure, match="the one stack marathon-events-prod, which CI deploys"):
            plan.main(["--stage", "prod"])
    finally:
        client("cloudformation").delete_stack(StackName=stacks.whole_stack("prod"))
