"""An orchestrator's example, its file unchanged, on a stack that is a cloud."""

from __future__ import annotations

import json
import shutil

import pytest
from programs import places_of, run

from tacenda.testing import moto

SECRETS = {
    "api-keys": {"API_KEY": "example-key-kept-by-aws"},
    "db-credentials": {"HOST": "db.aws.invalid", "PASSWORD": "example-password-kept-by-aws"},
}
CONFIG = "stacks: {cloud: {secrets: {provider: aws_secretsmanager, region: eu-central-1}}}"


@pytest.mark.metaflow
def test_metaflow_on_aws(examples, tmp_path):
    """The flow of the Metaflow example reads both secrets from AWS, prints masks, and stores no value (S1.7)."""
    shutil.copy(examples / "metaflow" / "flow.py", tmp_path)
    (tmp_path / "tacenda.yaml").write_text(CONFIG)
    with moto() as aws:
        client = aws.client(region_name="eu-central-1")
        for name, value in SECRETS.items():
            client.create_secret(Name=name, SecretString=json.dumps(value))
        done = run("python", "flow.py", "run", home=tmp_path, METAFLOW_USER="reader", **aws.environment())
    assert done.returncode == 0, done.stdout
    assert "API key: [masked]\n" in done.stdout
    assert "database: db.aws.invalid, password: [masked]\n" in done.stdout
    values = [SECRETS["api-keys"]["API_KEY"], SECRETS["db-credentials"]["PASSWORD"]]
    assert places_of(values, tmp_path, output=done.stdout) == []
