"""Runs flow.py on an encrypted file, then, unchanged, on a real OpenBao server, and tells what happened.

`make demo` runs this. Everything it makes lies in `.demo/` beside it, which git ignores and each run makes anew.
"""

import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from pyrage import x25519

import tacenda
import tacenda.masking
import tacenda.testing

HERE = Path(__file__).resolve().parent
WORK = HERE / ".demo"


def main() -> None:
    forget_settings()
    prepare()
    dev, prod = example_secrets("dev"), example_secrets("prod")

    say("One Metaflow flow, examples/metaflow/flow.py, on two stacks.")
    say("\n1. Stack dev: an encrypted file")
    put("dev", dev)
    say("   wrote   examples/metaflow/.demo/.secrets.json.age, encrypted with age; its key: age-identity.txt there")
    outputs = [run_flow("dev")]

    say("\n2. Stack prod: a server")
    with tacenda.testing.openbao() as server:
        login = {"VAULT_ADDR": server.url, "VAULT_TOKEN": server.token}
        os.environ.update(login)
        say(f"   started OpenBao, an open-source Vault, at {server.url}")
        put("prod", prod)
        say("   stored  secrets with the same names and other values in it, under secret/")
        outputs.append(run_flow("prod", **login, TACENDA_STACK="prod"))
    say("   stopped OpenBao")

    say("\n3. Did a value get out?")
    searched = refuse_leaks([*values(dev), *values(prod), server.token], outputs)
    say(f"   no: searched both outputs and the {searched} files of Metaflow's logs, metadata and artifacts")
    say("   for every value, as it is and encoded")
    say("\nThe flow is the same file both times. It asks for names; tacenda.yaml says where each stack keeps them.")
    say("Read on: examples/metaflow/README.md")


def forget_settings() -> None:
    """Make the demo the same on every machine, whatever Vault, stack or proxy its environment names."""
    for name in [name for name in os.environ if name.startswith(("METAFLOW_", "TACENDA_", "VAULT_"))]:
        del os.environ[name]
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"


def prepare() -> None:
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    for name in ("flow.py", "tacenda.yaml"):
        shutil.copy(HERE / name, WORK)
    key = WORK / "age-identity.txt"
    key.touch(mode=0o600)
    key.write_text(f"{x25519.Identity.generate()}\n", encoding="utf-8")


def example_secrets(stack: str) -> dict[str, dict[str, str]]:
    return {
        "api-keys": {"API_KEY": f"example-{secrets.token_hex(8)}"},
        "db-credentials": {"HOST": f"db.{stack}.example", "PASSWORD": f"example-{secrets.token_hex(8)}"},
    }


def values(documents: dict[str, dict[str, str]]) -> list[str]:
    return [value for document in documents.values() for key, value in document.items() if key != "HOST"]


def put(stack: str, documents: dict[str, dict[str, str]]) -> None:
    with tacenda.open_store(stack, config=WORK / "tacenda.yaml") as store:
        for name, document in documents.items():
            store.set(name, document)


def run_flow(stack: str, **variables: str) -> str:
    """Run the flow as a user would, show what its steps printed, and return everything it printed."""
    shown = [f"{name}={'[masked]' if name == 'VAULT_TOKEN' else value}" for name, value in variables.items()]
    say(f"   ran     {' '.join([*shown, 'python flow.py run'])}")
    metaflow = {"METAFLOW_USER": "demo", "METAFLOW_HOME": str(WORK), "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(WORK)}
    done = subprocess.run(
        [sys.executable, "flow.py", "run"],
        cwd=WORK,
        env={**os.environ, **metaflow, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    answers = re.findall(r"\[\d+/(\w+)/\d+ \(pid \d+\)\] (?!Task )(.*)", done.stdout)
    for step, line in answers:
        say(f"           {step}: {line}")
    printed = "\n".join(line for _, line in answers)
    if done.returncode or f"db.{stack}.example" not in printed or "environment: True" not in printed:
        raise SystemExit(f"the flow failed on stack {stack}:\n{done.stdout}")
    return done.stdout


def refuse_leaks(hidden: list[str], outputs: list[str]) -> int:
    """Fail if a value is in an output or in a file of Metaflow's; return how many files were searched."""
    for value in hidden:
        tacenda.masking.registry().add(value)
    files = [path for path in WORK.joinpath(".metaflow").rglob("*") if path.is_file()]
    places = {"the output": "\n".join(outputs).encode(), **{str(path): path.read_bytes() for path in files}}
    leaks = [place for place, content in places.items() if tacenda.masking.find_leaks(content)]
    if leaks or not files:
        raise SystemExit(f"a secret value is in: {', '.join(leaks) or 'nothing, for there was nothing to search'}")
    return len(files)


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
