"""What a configuration says, and clear words for what it cannot say."""

from __future__ import annotations

import pytest

from tacenda import open_store
from tacenda._config import find_configuration
from tacenda.errors import ConfigurationError
from tacenda.masking import NON_SECRET_KEYS


@pytest.fixture
def configure(workplace):
    """Return a function that writes tacenda.yaml, or another file."""

    def write(text: str, name: str = "tacenda.yaml"):
        (workplace / name).write_text(text)
        return workplace / name

    return write


def refused(match: str):
    return pytest.raises(ConfigurationError, match=match)


def test_documented_example(configure):
    """The example of the documentation is read as it says."""
    configure("""
default_stack: dev
stacks:
  dev:
    secrets: {provider: local, path: .secrets.json}
  prod:
    secrets:
      - {provider: files}
      - {provider: vault, vault_url: https://vault.company.com, vault_mount: secret, vault_path: ml/training}
""")
    stack = find_configuration().stack("prod")
    assert [entry.provider for entry in stack.entries] == ["files", "vault"]
    assert stack.entries[1].settings["vault_path"] == "ml/training"
    assert find_configuration().stack().name == "dev"


def test_pyproject_section(configure):
    """`[tool.tacenda]` says the same in TOML."""
    configure(
        "[tool.tacenda]\ndefault_stack = 'dev'\nstacks.dev.secrets = {provider = 'env', prefix = 'X_'}\n",
        "pyproject.toml",
    )
    stack = find_configuration().stack()
    assert (stack.name, stack.entries[0].settings) == ("dev", {"prefix": "X_"})


def test_flowyml_yaml_beside_foreign_keys(configure):
    """FlowyML's own keys stand beside ours, at the top and in a stack (S0.16)."""
    configure(
        "project: demo\nstacks:\n  dev:\n    type: local\n    runner: {path: x}\n    secrets: {provider: env}\n",
        "flowyml.yaml",
    )
    assert [entry.provider for entry in find_configuration().stack().entries] == ["env"]


def test_stack_without_secrets_is_env_then_files(configure):
    """Environment variables are the default provider (S0.18)."""
    configure("stacks: {dev: {}, other: }\n")
    for name in ("dev", "other"):
        assert [entry.provider for entry in find_configuration().stack(name).entries] == ["env", "files"]


def test_empty_file_is_no_configuration(configure):
    """A file with nothing in it means the defaults."""
    configure("")
    assert [entry.provider for entry in find_configuration().stack().entries] == ["env", "files"]


def test_lone_stack_serves(configure):
    """Without `default_stack` the only stack is the one (S0.79)."""
    configure("stacks: {dev: {secrets: env}}\n")
    assert find_configuration().stack().name == "dev"


def test_several_stacks_without_a_default_are_an_error(configure):
    """Nobody guesses between dev and prod: the error lists them (S0.79)."""
    configure("stacks: {dev: {secrets: env}, prod: {secrets: files}}\n")
    with refused("several stacks and no default: dev, prod") as caught:
        open_store()
    assert "TACENDA_STACK" in caught.value.hint


def test_unknown_stack_suggests_the_nearest(configure):
    """A typo in the stack's name never runs another stack."""
    path = configure("stacks: {dev: {secrets: env}, production: {secrets: env}}\n")
    with refused("there is no stack 'prodution'; did you mean 'production'?") as caught:
        open_store("prodution")
    assert str(path) in str(caught.value)
    assert "dev, production" in caught.value.hint


def test_default_stack_that_does_not_exist(configure):
    """`default_stack` must name a stack."""
    configure("default_stack: prod\nstacks: {dev: {secrets: env}}\n")
    with refused("there is no stack 'prod'"):
        open_store()


def test_stack_variable_without_a_configuration(monkeypatch):
    """TACENDA_STACK=prod where no file defines it is an error, not the default."""
    monkeypatch.setenv("TACENDA_STACK", "prod")
    with refused("no configuration file .*there is no stack 'prod'"):
        open_store()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("stack: {dev: {}}", "`stack` is not a setting; did you mean 'stacks'"),
        ("stacks: {dev: {secret: env}}", "stacks.dev: `secret` is not a setting of a stack; did you mean 'secrets'"),
        ("stacks: {dev: {cache_tll: 1}}", "`cache_tll` is not a setting of a stack; did you mean 'cache_ttl'"),
        ("stacks: {dev: {secrets: {provider: env, prefx: X}}}", "env: `prefx` is not a setting; did you mean 'prefix'"),
        ("stacks: {dev: {secrets: {provider: valt}}}", "there is no provider 'valt'; did you mean 'vault'"),
        ("stacks: {dev: {secrets: {path: x}}}", "stacks.dev.secrets: every entry needs a `provider`"),
        ("stacks: {dev: {secrets: [env, 7]}}", "every entry needs a `provider`"),
        ("stacks: {dev: {secrets: {provider: [env]}}}", "every entry needs a `provider`"),
        ("stacks: {dev: env}", "stacks.dev must be a mapping"),
        ("stacks: [dev]", "`stacks` must be a mapping"),
        ("default_stack: [dev]\nstacks: {dev: }", "`default_stack` a name"),
        ("- dev", "the top level must be a mapping"),
        ("just text", "the top level must be a mapping"),
    ],
)
def test_mistakes_name_the_place(configure, text, match):
    """Each mistake is told with the file, the place, and where it helps the nearest right word."""
    path = configure(text + "\n")
    with refused(match) as caught:
        open_store("dev")
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [("stacks:\n  dev: {secrets: env\n", 2), ("stacks:\n\tdev: x\n", 2), ("a: b: c\n", 1), ("a: 'b\n", 1)],
)
def test_malformed_yaml_names_the_line(configure, text, line):
    """The editor can go there."""
    path = configure(text)
    with refused(rf"{path}, line {line}: malformed YAML"):
        open_store()


def test_malformed_toml_names_the_line(configure):
    """Also in pyproject.toml."""
    configure("[tool.tacenda]\nx = \n", "pyproject.toml")
    with refused(r"malformed TOML: .*line 2"):
        open_store()


def test_yaml_cannot_make_objects(configure):
    """The safe loader: a tag that runs code is malformed."""
    configure("stacks: !!python/object/apply:os.getcwd []\n")
    with refused("malformed YAML"):
        open_store()


def test_file_that_is_no_text(workplace):
    """A file in another encoding is told as that."""
    (workplace / "tacenda.yaml").write_bytes(b"stacks: \xff\xfe")
    with refused("it is not UTF-8"):
        open_store()


def test_relative_paths_start_at_the_file(configure, workplace, monkeypatch):
    """The same value wherever the program is started from (S0.22)."""
    configure("stacks: {dev: {secrets: {provider: local, path: conf/my.json}}}\n")
    (workplace / "conf").mkdir()
    (workplace / "conf" / "my.json").write_text('{"API_KEY": "example-key"}')
    (workplace / "sub").mkdir()
    monkeypatch.chdir(workplace / "sub")
    assert open_store().get("API_KEY") == "example-key"


@pytest.mark.parametrize(("written", "seconds"), [("0", 0.0), ("12.5", 12.5), ("'30'", 30.0)])
def test_cache_ttl_and_deadline(configure, written, seconds):
    """Seconds, as numbers."""
    configure(f"stacks: {{dev: {{secrets: env, cache_ttl: {written}, deadline: {written}}}}}\n")
    stack = open_store().stack
    assert (stack.cache_ttl, stack.deadline) == (seconds, seconds)


def test_defaults_of_cache_ttl_and_deadline(configure):
    """Five minutes, and the deadline that the kind of failure has."""
    configure("stacks: {dev: {secrets: env}}\n")
    assert (open_store().stack.cache_ttl, open_store().stack.deadline) == (300.0, None)


@pytest.mark.parametrize("setting", ["cache_ttl", "deadline"])
@pytest.mark.parametrize("written", ["-1", "soon", "true", ".inf", ".nan", "[1]"])
def test_bad_seconds_are_refused(configure, setting, written):
    """What is no number of seconds is refused at the start."""
    configure(f"stacks: {{dev: {{secrets: env, {setting}: {written}}}}}\n")
    with refused(rf"stacks\.dev\.{setting} must be a number of seconds"):
        open_store()


def test_deadline_variable_wins(configure, monkeypatch):
    """TACENDA_DEADLINE caps retries for one run."""
    configure("stacks: {dev: {secrets: env, deadline: 60}}\n")
    monkeypatch.setenv("TACENDA_DEADLINE", "2")
    assert open_store().stack.deadline == 2.0
    monkeypatch.setenv("TACENDA_DEADLINE", "soon")
    with refused("TACENDA_DEADLINE must be a number of seconds"):
        open_store()


@pytest.mark.parametrize(
    ("written", "added", "removed"),
    [
        ("[Account]", {"account"}, set()),
        ("{add: [TEAM], remove: [USER]}", {"team"}, {"user"}),
        ("{remove: [host, Port]}", set(), {"host", "port"}),
    ],
)
def test_non_secret_keys(configure, written, added, removed):
    """A stack may change which keys hold no secret; case plays no part."""
    configure(f"stacks: {{dev: {{secrets: env, non_secret_keys: {written}}}}}\n")
    assert open_store().stack.non_secret_keys == (NON_SECRET_KEYS | added) - removed


@pytest.mark.parametrize("written", ["HOST", "{add: HOST}", "{drop: [HOST]}", "7"])
def test_bad_non_secret_keys_are_refused(configure, written):
    """A list of keys, or lists to add and to remove."""
    configure(f"stacks: {{dev: {{secrets: env, non_secret_keys: {written}}}}}\n")
    with refused("non_secret_keys must be a list"):
        open_store()


@pytest.mark.parametrize("empty", ["[]", "{}", "''"])
def test_a_stack_that_names_no_provider(workplace, empty):
    """An empty chain is a mistake, not the default one."""
    (workplace / "tacenda.yaml").write_text(f"stacks: {{dev: {{secrets: {empty}}}}}\n")
    with pytest.raises(ConfigurationError, match=r"stacks\.dev\.secrets names no provider"):
        open_store()
