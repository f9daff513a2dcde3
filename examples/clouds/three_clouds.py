"""Runs `train.py` on three clouds without an account at any: moto, and the doubles of Key Vault and Secret Manager.

pip install 'tacenda[aws,azure,gcp,testing]'
python three_clouds.py
"""

import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

from tacenda.testing import AzureKeyVault, GcpSecretManager, Moto, azure_key_vault, gcp_secret_manager, moto

HERE = Path(__file__).resolve().parent
REGION, VAULT, PROJECT = "eu-central-1", "https://my-vault.vault.azure.net", "my-project"
GOOGLES = "ignore::FutureWarning"  # Google's SDK warns of Pythons that it will drop one day


def main() -> None:
    """Fill each cloud by its own means, then run the program on each; only addresses differ from `tacenda.yaml`."""
    warnings.simplefilter("ignore", FutureWarning)
    cloud = gcp_secret_manager(tls=True)
    with tempfile.TemporaryDirectory() as home, moto() as aws, azure_key_vault() as azure, cloud as gcp:
        fill_aws(aws)
        fill_azure(azure)
        fill_gcp(gcp)
        config = (HERE / "tacenda.yaml").read_text().replace(VAULT, azure.url)
        config = config.replace(f"project_id: {PROJECT}", f'project_id: {PROJECT}, api_endpoint: "{gcp.endpoint}"')
        Path(home, "tacenda.yaml").write_text(config)
        # a machine's managed identity on Azure, workload identity federation on GCP: no credential is stored anywhere
        identities = azure.environment("managed_identity"), gcp.environment("workload_identity")
        logins = dict(zip(("aws", "azure", "gcp"), (aws.environment(), *identities), strict=True))
        failed = [stack for stack, login in logins.items() if train(home, stack, login)]
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


def fill_aws(aws: Moto) -> None:
    client = aws.client(region_name=REGION)
    for name, value in example_secrets("aws").items():
        client.create_secret(Name=name, SecretString=json.dumps(value))


def fill_azure(azure: AzureKeyVault) -> None:
    client = azure.client()
    for name, value in example_secrets("azure").items():
        client.set_secret(name, json.dumps(value))


def fill_gcp(gcp: GcpSecretManager) -> None:
    client, parent = gcp.client(), f"projects/{PROJECT}"
    for name, value in example_secrets("gcp").items():
        new = {"parent": parent, "secret_id": name, "secret": {"replication": {"automatic": {}}}}
        client.create_secret(request=new)
        payload = {"data": json.dumps(value).encode()}
        client.add_secret_version(request={"parent": f"{parent}/secrets/{name}", "payload": payload})


def example_secrets(cloud: str) -> dict[str, dict[str, str]]:
    """Return what is stored in a cloud; the values differ, so that it shows where they come from."""
    return {
        "api-keys": {"API_KEY": f"example-key-of-{cloud}"},
        "db-credentials": {"HOST": f"db.{cloud}.example", "USER": "train", "PASSWORD": f"example-password-of-{cloud}"},
    }


def train(home: str, stack: str, login: dict[str, str]) -> int:
    """Run the program on one stack, with the login of that cloud alone, and return its exit code."""
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", ""), "HOME": home}
    environment = {**own, **login, "TACENDA_STACK": stack, "NO_PROXY": "127.0.0.1", "PYTHONWARNINGS": GOOGLES}
    return subprocess.run([sys.executable, HERE / "train.py"], cwd=home, env=environment, check=False).returncode


if __name__ == "__main__":
    main()
