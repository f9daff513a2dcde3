"""Which configuration file is found, and where the search ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tacenda import get, open_store
from tacenda._config import find_configuration
from tacenda.errors import ConfigurationError

STACKS = "stacks: {{{0}: {{secrets: env}}}}\n"


def write(path: Path, stack: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".toml":
        path.write_text(f"[tool.tacenda.stacks.{stack}]\nsecrets = 'env'\n")
    else:
        path.write_text(STACKS.format(stack))
    return path


def found() -> str:
    return next(iter(find_configuration().stacks))


def test_working_directory_comes_first(workplace):
    """The file beside the code is the file that counts."""
    write(workplace / "tacenda.yaml", "here")
    write(workplace.parent / "tacenda.yaml", "above")
    assert found() == "here"


def test_search_goes_upwards(workplace, monkeypatch):
    """A run from a subdirectory finds the project's file (S0.22)."""
    write(workplace / "tacenda.yaml", "project")
    (workplace / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(workplace / "a" / "b")
    assert found() == "project"


def test_order_within_a_directory(workplace):
    """tacenda.yaml, then pyproject.toml, then flowyml.yaml."""
    files = [
        write(workplace / "flowyml.yaml", "flowyml"),
        write(workplace / "pyproject.toml", "pyproject"),
        write(workplace / "tacenda.yaml", "tacenda"),
    ]
    for expected in ("tacenda", "pyproject", "flowyml"):
        assert found() == expected
        files.pop().unlink()


def test_nearer_flowyml_yaml_wins_over_farther_tacenda_yaml(workplace, monkeypatch):
    """The directory decides before the name does; the search ends at the first match (S0.16)."""
    write(workplace / "tacenda.yaml", "above")
    write(workplace / "sub" / "flowyml.yaml", "near")
    monkeypatch.chdir(workplace / "sub")
    assert found() == "near"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "[project]\nname = 'x'\n"),
        ("pyproject.toml", "[tool.other]\nx = 1\n# [tool.tacenda] is for later\n"),
        ("pyproject.toml", "[tool.tacenda-next]\nx = 1\n"),
        ("flowyml.yaml", "project: x\nmy_stacks: {}\n"),
        ("flowyml.yaml", "nested:\n  stacks: {}\n"),
    ],
)
def test_files_that_say_nothing_about_us_are_passed(workplace, monkeypatch, name, text):
    """Somebody's pyproject.toml between the code and tacenda.yaml does not hide it."""
    write(workplace / "tacenda.yaml", "project")
    (workplace / "sub").mkdir()
    (workplace / "sub" / name).write_text(text)
    monkeypatch.chdir(workplace / "sub")
    assert found() == "project"


def test_git_ends_the_search(workplace, monkeypatch):
    """A file above the repository is not this project's."""
    write(workplace / "tacenda.yaml", "above")
    (workplace / "repo" / ".git").mkdir(parents=True)
    (workplace / "repo" / "src").mkdir()
    monkeypatch.chdir(workplace / "repo" / "src")
    assert found() == "default"


def test_git_worktree_ends_the_search(workplace, monkeypatch):
    """In a worktree `.git` is a file."""
    write(workplace / "tacenda.yaml", "above")
    (workplace / "repo").mkdir()
    (workplace / "repo" / ".git").write_text("gitdir: elsewhere\n")
    monkeypatch.chdir(workplace / "repo")
    assert found() == "default"


def test_file_beside_git_counts(workplace):
    """The repository's own directory is searched before the search ends."""
    write(workplace / "tacenda.yaml", "repo")
    (workplace / ".git").mkdir()
    assert found() == "repo"


def test_home_ends_the_search(workplace):
    """$HOME is the last directory that is searched."""
    write(workplace.parent.parent / "tacenda.yaml", "above home")
    assert found() == "default"
    write(workplace.parent / "tacenda.yaml", "home")
    assert found() == "home"


def test_home_by_a_symbolic_link_ends_the_search(workplace, monkeypatch):
    """A home that is reached through a link ends the search all the same."""
    home = workplace.parent
    write(home.parent / "tacenda.yaml", "above home")
    (home.parent / "link").symlink_to(home)
    monkeypatch.setenv("HOME", str(home.parent / "link"))
    assert found() == "default"


def test_mount_boundary_ends_the_search(workplace, monkeypatch):
    """What lies outside the mount belongs to another file system's owner."""
    write(workplace / "tacenda.yaml", "above")
    (workplace / "mnt" / "sub").mkdir(parents=True)
    monkeypatch.chdir(workplace / "mnt" / "sub")
    assert found() == "above"
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path).name == "mnt")
    assert found() == "default"


def test_no_file_means_environment_then_files():
    """Without any configuration one stack serves: env, then files (S0.7)."""
    configuration = find_configuration()
    assert configuration.path is None
    assert [entry.provider for entry in configuration.stack().entries] == ["env", "files"]


def test_zero_configuration_reads_the_environment(monkeypatch):
    """`export DB_PASSWORD=…` is all that the first run needs (S0.6, S0.7, S0.17)."""
    monkeypatch.setenv("DB_PASSWORD", "example-password")
    assert open_store().get("DB_PASSWORD") == "example-password"


def test_named_file_is_used_from_anywhere(workplace, monkeypatch):
    """TACENDA_CONFIG wins over what the search would find."""
    write(workplace / "tacenda.yaml", "here")
    other = write(workplace / "elsewhere" / "mine.yml", "named")
    monkeypatch.setenv("TACENDA_CONFIG", str(other))
    configuration = find_configuration()
    assert list(configuration.stacks) == ["named"]
    assert configuration.base == other.parent


def test_named_file_may_start_at_home(workplace, monkeypatch):
    """`~` in TACENDA_CONFIG is the home directory."""
    write(workplace.parent / "t.toml", "named")
    monkeypatch.setenv("TACENDA_CONFIG", "~/t.toml")
    assert found() == "named"


def test_named_file_that_is_missing_is_an_error(monkeypatch):
    """A wrong TACENDA_CONFIG never falls back to something else."""
    monkeypatch.setenv("TACENDA_CONFIG", "/nowhere/tacenda.yaml")
    with pytest.raises(ConfigurationError, match=r"/nowhere/tacenda\.yaml: No such file"):
        find_configuration()


def test_directory_named_like_the_file_is_passed(workplace):
    """Only files are configuration."""
    (workplace / "tacenda.yaml").mkdir()
    assert found() == "default"


def test_chosen_stack_by_variable(workplace, monkeypatch):
    """TACENDA_STACK chooses among the stacks of the file."""
    (workplace / "tacenda.yaml").write_text("default_stack: a\nstacks: {a: {secrets: env}, b: {secrets: files}}\n")
    assert open_store().stack.name == "a"
    monkeypatch.setenv("TACENDA_STACK", "b")
    assert open_store().stack.name == "b"
    assert open_store("a").stack.name == "a"


def test_open_store_takes_a_path(workplace):
    """`open_store(config=…)` reads the file that is named, as text or as a path."""
    path = write(workplace / "x.yaml", "given")
    assert open_store(config=path).stack.name == "given"
    assert open_store(config=str(path)).stack.name == "given"


def test_user_without_a_home(workplace, monkeypatch):
    """A container's numeric user has neither HOME nor an entry in the password file, and still has a configuration."""
    write(workplace / "tacenda.yaml", "here")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert found() == "here"


def test_working_directory_that_is_gone(workplace, monkeypatch):
    """Said in our words, whoever asks."""
    gone = workplace / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for call in (open_store, lambda: open_store(config={}), lambda: get("x")):
        with pytest.raises(ConfigurationError, match="working directory"):
            call()
