"""Runs the examples of five orchestrators on an encrypted file, then, unchanged, on a real OpenBao server.

`make demo` runs this; `make demo ONLY=zenml` runs the examples that are named. Each works in a directory of its own,
which is its home too, under `.demo/` beside this file: git ignores it, and the next demo makes it anew. It stays, to
be looked at, and to run the example there by hand.
"""

import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import Distribution
from pathlib import Path
from typing import NamedTuple

from pyrage import x25519

import tacenda
import tacenda.masking
import tacenda.testing

HERE = Path(__file__).resolve().parent
WORK = HERE / ".demo"
FOUR, FLOWYML = Path(sys.prefix), Path(f"{sys.prefix}-flowyml")  # flyte and FlowyML cannot share an environment
STACKS = {"dev": "local", "prod": "vault"}  # and the backend that serves each
KEY = "age-identity.txt"
AT_ONCE = 2
PATIENCE = 300  # seconds that a run may take

# Settings of whoever runs the demo, which shall be the same everywhere.
FOREIGN = ("FLOWYML_", "FLYTE", "METAFLOW_", "TACENDA_", "VAULT_", "XDG_", "ZENML_", "_F", "_UNION_")
SETTINGS = {
    "COLUMNS": "200",
    "NO_COLOR": "1",
    "METAFLOW_USER": "demo",
    "ZENML_ANALYTICS_OPT_IN": "false",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}

Documents = dict[str, dict[str, str]]


class Example(NamedTuple):
    """An orchestrator's example: its file, the command that runs it, and the environment that it is installed in."""

    orchestrator: str
    file: str
    command: str  # {stack} is the stack's name; where it does not stand, TACENDA_STACK tells
    environment: Path = FOUR

    @property
    def directory(self) -> Path:
        return WORK / self.orchestrator

    @property
    def version(self) -> str | None:
        places = [str(place) for place in self.environment.glob("lib/python*/site-packages")]
        found = next(iter(Distribution.discover(name=self.orchestrator, path=places)), None)
        return found.version if found else None


class Run(NamedTuple):
    """A finished run."""

    example: Example
    stack: str
    line: str
    output: str
    code: int
    seconds: float


EXAMPLES = {
    example.orchestrator: example
    for example in (
        Example("metaflow", "flow.py", "python flow.py run"),
        Example("flytekit", "workflow.py", "pyflyte run workflow.py main"),
        Example("flyte", "tasks.py", "python tasks.py"),
        Example("zenml", "pipeline.py", "python pipeline.py"),
        Example("flowyml", "pipeline.py", "python pipeline.py {stack}", FLOWYML),
    )
}
SLOWEST = "zenml"  # begins first, so that nobody waits for it alone


def main(names: list[str]) -> None:
    forget_settings()
    examples = chosen(names)
    documents = {stack: example_secrets(stack) for stack in STACKS}
    say(f"{', '.join(example.orchestrator for example in examples)}: each example on two stacks, its file unchanged.")
    with tacenda.testing.openbao() as server:
        os.environ.update(VAULT_ADDR=server.url, VAULT_TOKEN=server.token)
        for example in examples:
            prepare(example, documents["dev"])
        put(examples[0].directory, "prod", documents["prod"])
        say("  dev   an encrypted file: .secrets.json.age in each directory under examples/.demo/, and its key")
        say(f"  prod  a server: OpenBao, an open-source Vault, at {server.url}; the same names, other values\n")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            begun = sorted(examples, key=lambda example: example.orchestrator != SLOWEST)
            ended = {both[0].example: both for both in pool.map(run_on_both, begun)}
    runs = [ended[example] for example in examples]
    failed = [f"{done.example.orchestrator} on {done.stack}" for both in runs for done in both if not succeeded(done)]
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")
    hidden = [value for stack in documents.values() for value in values(stack)]
    summary(runs, [*hidden, server.token])


def chosen(names: list[str]) -> list[Example]:
    """Return the examples that are to run, and say which cannot."""
    if unknown := set(names) - set(EXAMPLES):
        raise SystemExit(f"no example for {', '.join(sorted(unknown))}; there are {', '.join(sorted(EXAMPLES))}")
    wanted = [EXAMPLES[name] for name in dict.fromkeys(names or EXAMPLES)]
    examples = [example for example in wanted if example.version]
    for example in wanted:
        if example.orchestrator == "flytekit" and sys.version_info >= (3, 13) and not example.version:
            say("flytekit is left out: there is none for Python 3.13 and later")
        elif not example.version:
            raise SystemExit(f"{example.orchestrator} is not installed in {example.environment}: use `make demo`")
    if not examples:
        raise SystemExit("nothing to run")
    return examples


def forget_settings() -> None:
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        del os.environ[name]
    os.environ.update(SETTINGS)


def prepare(example: Example, documents: Documents) -> None:
    """Make an example's directory, with a key and an encrypted file of its own."""
    directory = example.directory
    shutil.rmtree(directory, ignore_errors=True)
    directory.joinpath("tmp").mkdir(parents=True)
    shutil.copy(HERE / example.orchestrator / example.file, directory)
    shutil.copy(HERE / "tacenda.yaml", directory)
    key = directory / KEY
    key.touch(mode=0o600)
    key.write_text(f"{x25519.Identity.generate()}\n", encoding="utf-8")
    put(directory, "dev", documents)


def example_secrets(stack: str) -> Documents:
    return {
        "api-keys": {"API_KEY": f"example-{secrets.token_hex(8)}"},
        "db-credentials": {"HOST": f"db.{stack}.example", "PASSWORD": f"example-{secrets.token_hex(8)}"},
    }


def values(documents: Documents) -> list[str]:
    return [value for document in documents.values() for key, value in document.items() if key != "HOST"]


def put(directory: Path, stack: str, documents: Documents) -> None:
    with tacenda.open_store(stack, config=directory / "tacenda.yaml") as store:
        for name, document in documents.items():
            store.set(name, document)


def run_on_both(example: Example) -> list[Run]:
    return [run(example, stack) for stack in STACKS]


def run(example: Example, stack: str) -> Run:
    """Run an example as a user would, in its directory."""
    directory, started = example.directory, time.monotonic()
    command = example.command.format(stack=stack)
    own = {} if "{stack}" in example.command else {"TACENDA_STACK": stack}
    environment = {
        **os.environ,
        **own,
        "HOME": str(directory),
        "TMPDIR": str(directory / "tmp"),
        "PATH": f"{example.environment / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "TACENDA_AUDIT": str(audit_file(example, stack)),
    }
    with subprocess.Popen(
        shlex.split(command),
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="backslashreplace",
    ) as process:
        try:
            output, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
    line = " ".join([*(f"{name}={value}" for name, value in own.items()), command])
    done = Run(example, stack, line, output, process.returncode, time.monotonic() - started)
    output_file(example, stack).write_text(output, encoding="utf-8")
    show(done)
    return done


def audit_file(example: Example, stack: str) -> Path:
    return example.directory / f"audit-{stack}.jsonl"


def output_file(example: Example, stack: str) -> Path:
    return example.directory / f"output-{stack}.txt"


def succeeded(done: Run) -> bool:
    """Tell whether a run ended well, asked the stack's backend, and nothing else, and printed both secrets masked."""
    audit = audit_file(done.example, done.stack)
    events = [json.loads(line) for line in audit.read_text(encoding="utf-8").splitlines()] if audit.exists() else []
    asked = {(event["action"], event["stack"], event["backend"], event["outcome"]) for event in events}
    printed = ("API key: [masked]", f"database: db.{done.stack}.example, password: [masked]")
    right = asked == {("read", done.stack, STACKS[done.stack], "ok")}
    return done.code == 0 and right and all(text in done.output for text in printed)


def show(done: Run) -> None:
    """Print a line about a run and the most telling lines of its output; all of it if it failed."""
    head = f"{done.example.orchestrator:9} {done.stack:5} {done.line:48} {done.seconds:4.0f} s"
    if not succeeded(done):
        say(f"{head}  FAILED with exit code {done.code}; it printed:\n\n{done.output}\n")
        return
    masked = [line for line in done.output.splitlines() if "[masked]" in line]
    telling = re.findall(r"(?:API key|database): .*", "\n".join(masked))
    kept = output_file(done.example, done.stack).relative_to(HERE.parent)
    more = f"and {len(masked) - len(telling)} more lines with a mask in them, see {kept}"
    say("\n                  ".join([head, *map(str.rstrip, telling), more]))


def summary(runs: list[list[Run]], hidden: list[str]) -> None:
    """Search for every value all that the runs printed and wrote, and print the table; a leak is a failure."""
    for value in hidden:
        tacenda.masking.registry().add(value)
    rows, leaks = [], []
    for both in runs:
        example = both[0].example
        found, searched = search(example)
        leaks += found
        names = f"{example.orchestrator} {example.version}"
        verdict = "LEAKED" if found else "nothing leaked"
        rows.append((names, *("api-keys, db-credentials" for _ in both), f"all output, {searched} files: {verdict}"))
    say("\nThe same two secrets, read from each stack; then all that was printed or written was searched for every")
    say("value, as it is and encoded:\n")
    titles = ("orchestrator", "dev: encrypted file", "prod: OpenBao", "searched")
    for row in (titles, *rows):
        say("  {:18} {:26} {:26} {}".format(*row))
    if leaks:
        raise SystemExit("\na secret value is in:\n  " + "\n  ".join(leaks))
    say("\nExamples ask for names; tacenda.yaml says where each stack keeps them. Read on: examples/README.md")


def search(example: Example) -> tuple[list[str], int]:
    """Return the files below an example's home that have a value in them, and how many there are; outputs included."""
    below = (path for path in example.directory.rglob("*") if path.name != KEY)
    files = [path for path in below if path.is_file() and not path.is_symlink()]
    leaks = [path for path in files if tacenda.masking.find_leaks(path.read_bytes())]
    return [str(path.relative_to(HERE.parent)) for path in leaks], len(files)


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
