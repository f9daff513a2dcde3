"""`tacenda check`: which configuration serves, what answers, and what is risky; never a value."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import VALUE, Cli

# Tests that need more than Python: without git they belong to `make test-extra`.
needs_git = pytest.mark.extra if shutil.which("git") is None else lambda test: test


def git(cli: Cli, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=cli.directory, env=cli.environment, capture_output=True, check=True)


@pytest.fixture
def repository(cli: Cli) -> Cli:
    """The command, in a real git repository, with a stack on `.secrets.json`."""
    (cli.directory / ".git").rmdir()
    git(cli, "init", "--quiet")
    cli.write(".secrets.json", json.dumps({"token": VALUE})).chmod(0o600)
    cli.configure("{provider: local}")
    return cli


def warnings(cli: Cli, *arguments: str, **variables: str) -> list[str]:
    done = cli("check", "--json", *arguments, **variables)
    assert VALUE not in done.out + done.err
    return json.loads(done.out)["warnings"]


def test_configuration_and_stack(cli: Cli):
    """It names the configuration file and the stack, and why these."""
    file = cli.write("tacenda.yaml", "default_stack: dev\nstacks: {dev: {secrets: env}, prod: {secrets: files}}\n")
    done = cli("check").ok()
    assert f"configuration: {file} (the first from the working directory upwards)\n" in done.out
    assert "stack: dev (default_stack)\n" in done.out
    assert "stack: prod (named by --stack)\n" in cli("check", "--stack", "prod").ok().out
    assert "stack: prod (named by TACENDA_STACK)\n" in cli("check", TACENDA_STACK="prod").ok().out
    assert "tacenda.yaml (named by --config)" in cli("check", "--config", "tacenda.yaml").ok().out
    assert "tacenda.yaml (named by TACENDA_CONFIG)" in cli("check", TACENDA_CONFIG="tacenda.yaml").ok().out


def test_no_configuration(cli: Cli):
    """Without a configuration it says what serves then; that is fine."""
    done = cli("check").ok()
    assert "configuration: none (" in done.out
    assert "the environment" in done.out


def test_secrets(local: Cli):
    """Each named secret is read and its value kept quiet; a missing one is exit code 3."""
    local.write("secrets.json", json.dumps({"token": VALUE}))
    done = local("check", "token", "nothing")
    assert done.code == 3
    assert "token: ok" in done.out
    assert "nothing: SecretNotFound" in done.out
    assert VALUE not in done.out + done.err


def test_json(local: Cli):
    """`--json` has it all for programs."""
    local.write("secrets.json", json.dumps({"token": VALUE}))
    report = json.loads(local("check", "--json", "nothing").out)
    assert list(report) == ["configuration", "stack", "providers", "secrets", "adapters", "masking", "warnings"]
    assert report["stack"] == {"name": "dev", "why": "the only one"}
    assert report["providers"][0]["ok"]
    assert "update" in report["providers"][0]["can"]
    assert report["secrets"][0]["error"]["kind"] == "SecretNotFound"


def test_masking(local: Cli):
    """It says at which levels output can be masked here, and why it cannot at the others."""
    done = local("check").ok()
    assert "masking:\n  log records, warnings and tracebacks: ok\n  sys.stdout and sys.stderr: ok\n" in done.out
    assert "  descriptors 1 and 2, subprocesses included: ok\n" in done.out
    levels = json.loads(local("check", "--json").ok().out)["masking"]
    assert list(levels) == ["logging", "streams", "descriptors"]
    assert all(level == {"ok": True, "why_not": None} for level in levels.values())


def test_masking_without_pseudo_terminals(local: Cli):
    """Where a system cannot mask descriptors, it says so and why; that is no failure."""
    without = [sys.executable, "-c", "import os; del os.openpty; from tacenda.cli import main; main()"]
    done = local("check", command=without).ok()
    assert "subprocesses included: linux has neither fork nor pseudo-terminals" in done.out
    level = json.loads(local("check", "--json", command=without).ok().out)["masking"]["descriptors"]
    assert not level["ok"]
    assert "what subprocesses write is not masked" in level["why_not"]


def test_broken_provider(cli: Cli):
    """A provider that cannot be opened does not hide the others; the exit code is its error's."""
    cli.configure("[{provider: env}, {provider: vault}]")
    done = cli("check")
    assert done.code == 1
    assert "the environment: ok" in done.out
    assert "vault_url" in done.out


def test_malformed_file(local: Cli):
    """A secret file that cannot be understood is exit code 1, with the line and none of its content."""
    local.write("secrets.json", f'{{"token": "{VALUE}"\n')
    done = local("check")
    assert done.code == 1
    assert "secrets.json, line" in done.out
    assert VALUE not in done.out + done.err


def test_plain_file_in_production(local: Cli):
    """A stack named prod that keeps its secrets in a plain file is warned of; dev is not (S0.71)."""
    text = "keeps its secrets in a plain file"
    for stack, expected in (("prod", True), ("eu-production", True), ("dev", False), ("product-tests", False)):
        local.configure("{provider: local, path: secrets.json}", stack)
        assert any(text in warning for warning in warnings(local)) == expected


def test_readable_by_others(local: Cli):
    """A secret file that others can read is warned of."""
    file = local.write("secrets.json", json.dumps({"token": VALUE}))
    file.chmod(0o644)
    assert any("can be read by others" in warning for warning in warnings(local))


# -- git ------------------------------------------------------------------------------------------------


@needs_git
def test_not_ignored(repository: Cli):
    """A secret file that git does not ignore is warned of by name; one that it ignores is not (S0.70)."""
    file = repository.directory / ".secrets.json"
    assert f"{file} is not ignored by git: add it to .gitignore" in warnings(repository)
    repository.write(".gitignore", ".secrets.json\n")
    assert not any("git" in warning for warning in warnings(repository))


@needs_git
def test_tracked(repository: Cli):
    """A secret file that git tracks is warned of even if it is ignored (S0.70)."""
    git(repository, "add", ".secrets.json")
    repository.write(".gitignore", ".secrets.json\n")
    assert any(".secrets.json is tracked by git" in warning for warning in warnings(repository))


@needs_git
@pytest.mark.parametrize("name", [".env", "deep/.env", "prod.env", ".env.local", "a.tfvars", "b.tfvars.json"])
def test_other_secret_files(repository: Cli, name: str):
    """The usual secret files of other tools are warned of too, in subdirectories as well (S0.70)."""
    repository.write(name, f"KEY={VALUE}\n")
    assert any(f"{repository.directory / name} is not ignored" in warning for warning in warnings(repository))


@needs_git
@pytest.mark.parametrize("name", [".env.example", "a.tfvars.sample", ".secrets.json.age", "notes.txt"])
def test_harmless_files(repository: Cli, name: str):
    """Templates and encrypted files may be committed."""
    repository.write(".gitignore", ".secrets.json\n")
    repository.write(name, "example")
    assert not any("git" in warning for warning in warnings(repository))


@needs_git
def test_files_of_the_stack_elsewhere(repository: Cli):
    """The stack's own file and age key are looked at wherever they are and whatever they are called."""
    repository.write("sub/tacenda.yaml", "stacks: {dev: {secrets: {provider: local, path: ../all.yaml}}}")
    repository.write("all.yaml", f"token: {VALUE}\n")
    assert any("all.yaml is not ignored" in warning for warning in warnings(repository, "--config", "sub/tacenda.yaml"))
    repository.write(
        "sub/tacenda.yaml", "stacks: {dev: {secrets: {provider: local, path: x.json.age, identity: my.key}}}"
    )
    repository.write("sub/my.key", "example")
    assert any("my.key is not ignored" in warning for warning in warnings(repository, "--config", "sub/tacenda.yaml"))


@needs_git
def test_repository_cannot_run_programs(repository: Cli):
    """Looking at a repository starts no program that its own settings name."""
    hook = repository.write("hook", "#!/bin/sh\ntouch ran\n")
    hook.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(hook))
    repository("check")
    assert not (repository.directory / "ran").exists()


def test_without_git(local: Cli, tmp_path: Path):
    """In a repository on a machine without git it says that nobody has looked."""
    programs = tmp_path / "empty"
    programs.mkdir()
    assert any("git is not installed" in warning for warning in warnings(local, PATH=str(programs)))


def test_outside_a_repository(local: Cli):
    """Outside a repository there is nothing to say about git."""
    (local.directory / ".git").rmdir()
    (local.directory / "secrets.json").write_text(json.dumps({"token": VALUE}))
    assert not any("git" in warning for warning in warnings(local))
