"""The `aws` commands of the documentation are ones that the AWS CLI takes, and the policy is the one documented.

The AWS CLI is made of the service models that botocore has too: each command is an operation, each option one of its
members, but for options of the CLI's own.
"""

from __future__ import annotations

import json
import re

import botocore.session
import pytest
from botocore import xform_name
from cloud_page import Page

PAGE = Page("aws")
POLICY = json.loads((PAGE.directory / "read-policy.json").read_text())
OF_THE_CLI = {"query", "output", "profile", "region"}
NOT_IN_THE_MODELS = {"configure", "sso"}
COMMANDS = [command for command in PAGE.commands("aws") if command[1] not in NOT_IN_THE_MODELS]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_is_a_command(command):
    """The operation is there, it has the options that are given, and none that it requires is missing."""
    service = botocore.session.get_session().get_service_model(command[1])
    operations = {xform_name(name, "-"): name for name in service.operation_names}
    shape = service.operation_model(operations[command[2]]).input_shape
    members = {xform_name(name, "-"): name for name in shape.members} if shape else {}
    options = {word[2:] for word in command[3:] if word.startswith("--")}
    assert options - OF_THE_CLI <= set(members)
    required = {xform_name(name, "-") for name in (shape.required_members if shape else ())}
    if len(command) > 3:  # a command that is merely named has no options
        assert required <= options


def test_there_are_commands():
    """The page says how to make, rotate and read a secret, who one is, what there is (S1.20, S1.22, S1.72, S1.75)."""
    named = {" ".join(command[1:3]) for command in COMMANDS}
    secrets = {f"secretsmanager {verb}-secret" for verb in ("create", "describe", "restore")}
    secrets |= {f"secretsmanager {verb}" for verb in ("put-secret-value", "get-secret-value", "list-secrets")}
    assert {*secrets, "sts get-caller-identity", "iam create-policy"} <= named


def test_policy():
    """The policy grants what is documented and no more: two actions, on secrets that are named (S1.66)."""
    [statement] = POLICY["Statement"]
    assert statement["Effect"] == "Allow"
    assert sorted(statement["Action"]) == ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    for arn in statement["Resource"]:
        assert re.fullmatch(r"arn:aws:secretsmanager:eu-central-1:123456789012:secret:[a-z-]+-\*", arn)
