"""`SecretsManager.get` in this process: where it looks, in which order, how names are read, how it fails."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flytekit import Secret, current_context, task
from flytekit.configuration.file import get_config_file
from flytekit.core.context_manager import FlyteContextManager, SecretsManager

import tacenda
from tacenda import errors, testing
from tacenda.masking import find_leaks, registry

pytestmark = pytest.mark.flytekit

STORED = {
    "db": {"password": "example-password", "HOST": "db.dev.example", "padded": "  example-padded \n"},
    "my-api-keys": {"github_token": "example-github", "stripe-key": "example-stripe"},
    "token": "example-token",
    "my-certs": {"tls_cert": "example-certificate\n"},
}
DB = Secret(group="db", key="password")


def in_task(action: Callable[[Any], Any], *secrets: Secret) -> Any:
    """Return what an action gives with `current_context().secrets` in a task that declares secrets."""
    found = []

    @task(secret_requests=list(secrets))
    def reading() -> None:
        found.append(action(current_context().secrets))

    reading()
    return found[0]


@pytest.fixture
def stored(stack) -> Path:
    return stack(STORED)


def test_group_and_key(stored: Path):
    """Group and key are a document of the stack and its key: in a task, and at module level (S4.6, S4.9, S4.40)."""
    assert in_task(lambda secrets: secrets.get("db", "password"), DB) == "example-password"
    assert SecretsManager().get(group="db", key="password") == "example-password"


def test_attributes(stored: Path):
    """Attributes do the same (S4.39)."""
    assert in_task(lambda secrets: secrets.db.password, DB) == "example-password"


def test_key_only_and_group_only(stored: Path):
    """A key alone, or a group alone, is the text of the secret of that name (S4.8)."""
    assert in_task(lambda secrets: secrets.get(key="token"), Secret(key="token", group="x")) == "example-token"
    for nothing in (None, ""):
        assert in_task(lambda secrets: secrets.get("token", nothing), Secret(group="token")) == "example-token"  # noqa: B023
    assert in_task(lambda secrets: secrets.get("db"), Secret(group="db")).startswith('{"password"')


def test_dynamic_names(stored: Path):
    """Names that are known only at run time are no problem (S4.41)."""
    keys = STORED["my-api-keys"]
    assert in_task(lambda secrets: {key: secrets.get("my-api-keys", key) for key in keys}) == keys


def test_a_secret_is_a_str(stored: Path):
    """What comes from the stack is a str that libraries take; its repr is masked."""
    value = in_task(lambda secrets: secrets.get("db", "password"), DB)
    assert isinstance(value, str)
    assert repr(value) == "<Secret [masked]>"


def test_group_version(stack):
    """`group_version` asks for that version, and one that is declared is meant where none is asked for (S4.10)."""
    versions: list[str | None] = []

    def get(self: Any, name: str, key: str | None = None, *, version: str | None = None, **_: Any) -> Any:
        versions.append(version)
        return tacenda.Secret("example-value")

    with pytest.MonkeyPatch.context() as patch:
        stack(STORED)
        patch.setattr("tacenda._store.SecretStore.get", get)
        in_task(lambda secrets: secrets.get("db", "password", group_version="3"), DB)
        in_task(lambda secrets: secrets.db.password, Secret(group="db", key="password", group_version="2"))
        in_task(lambda secrets: secrets.db.password, DB)
    assert versions == ["3", "2", None]


def test_bytes(stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With `rb` the result is bytes wherever it comes from: a backend, exact; a variable; a file (S4.42)."""
    binary = b"\n\xff\x00example \n"
    stack({})
    with testing.override({"certs": {"ca": binary, "text": "example-text\n"}}):
        assert in_task(lambda secrets: secrets.get("certs", "ca", encode_mode="rb")) == binary
        assert in_task(lambda secrets: secrets.get("certs", "text", None, "rb")) == b"example-text\n"
    monkeypatch.setenv("_FSEC_CERTS_CA", "example-variable")
    assert in_task(lambda secrets: secrets.get("certs", "ca", encode_mode="rb")) == b"example-variable"


def test_binary_as_text(stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Binary asked for as text: upstream's UnicodeDecodeError from a file, from a backend an error that says `rb`."""
    stack({})
    with testing.override({"certs": {"ca": b"\xff\xfe\xfd"}}):
        with pytest.raises(errors.Unsupported, match='encode_mode="rb"'):
            SecretsManager().get("certs", "ca")
        tmp_path.joinpath("certs").mkdir()
        tmp_path.joinpath("certs/ca").write_bytes(b"\xff\xfe\xfd")
        monkeypatch.setenv("FLYTE_SECRETS_DEFAULT_DIR", str(tmp_path))
        with pytest.raises(UnicodeDecodeError):
            SecretsManager().get("certs", "ca")


def test_stripped(stored: Path):
    """Text is stripped, as flytekit strips what a cluster injects."""
    assert SecretsManager().get("db", "padded") == "example-padded"


def test_order(stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each place goes before the next: prefixes, then the local name, the file, and the stack at last (S4.30-S4.37)."""
    tmp_path.joinpath("mounted/db").mkdir(parents=True)
    tmp_path.joinpath("mounted/db/p_password").write_text("from-file\n")
    monkeypatch.setenv("FLYTE_SECRETS_FILE_PREFIX", "p_")
    monkeypatch.setenv("FLYTE_SECRETS_DEFAULT_DIR", str(tmp_path / "mounted"))
    monkeypatch.setenv("FLYTE_SECRETS_ENV_PREFIX", "X_")
    variables = ["X_DB_PASSWORD", "_FSEC_DB_PASSWORD", "FLYTE_SECRETS_DB_PASSWORD", "DB_PASSWORD"]
    for variable in variables:
        monkeypatch.setenv(variable, f"from-{variable}")
    found = []
    for variable in variables:
        found.append(in_task(lambda secrets: secrets.get("db", "password"), DB))
        monkeypatch.delenv(variable)
    assert found == [f"from-{variable}" for variable in variables]
    assert in_task(lambda secrets: secrets.get("db", "password"), DB) == "from-file"
    monkeypatch.delenv("FLYTE_SECRETS_DEFAULT_DIR")
    assert in_task(lambda secrets: secrets.get("db", "password"), DB) == "example-password"


def test_configuration_of_flytekit(stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Prefix and directory come from flytekit's own configuration, of the file too (S4.33, S4.38)."""
    tmp_path.joinpath("d/g").mkdir(parents=True)
    tmp_path.joinpath("d/g/p_k").write_text("from-file")
    settings = f"[secrets]\nenv_prefix=Y_\ndefault_dir={tmp_path}/d\nfile_prefix=p_\n"
    tmp_path.joinpath("flytekit.config").write_text(settings)
    monkeypatch.setattr("flytekit.configuration.get_config_file", get_config_file.__wrapped__)  # past its cache
    assert SecretsManager().get("g", "k") == "from-file"
    monkeypatch.setenv("Y_G_K", "from-variable")
    assert SecretsManager().get("g", "k") == "from-variable"


def test_settings_are_no_secrets(stored: Path, monkeypatch: pytest.MonkeyPatch):
    """Group `env`, key `prefix` never is FLYTE_SECRETS_ENV_PREFIX, not even with that very prefix (C4)."""
    for prefix in ("X_", "FLYTE_SECRETS_"):
        monkeypatch.setenv("FLYTE_SECRETS_ENV_PREFIX", prefix)
        monkeypatch.setenv("FLYTE_SECRETS_DEFAULT_DIR", "/nowhere")
        monkeypatch.setenv("FLYTE_SECRETS_FILE_PREFIX", "p_")
        for group, key in (("env", "prefix"), ("default", "dir"), ("file", "prefix")):
            with pytest.raises(ValueError, match="Unable to find secret"):
                SecretsManager().get(group, key)


def test_unprefixed_only_locally(stack, monkeypatch: pytest.MonkeyPatch):
    """Outside a local run the bare name is no secret, though the stack without configuration is env first (S4.46)."""
    stack(None)
    monkeypatch.setenv("DB_PASSWORD", "example-local")
    assert in_task(lambda secrets: secrets.get("db", "password"), DB) == "example-local"
    with pytest.raises(ValueError, match="Unable to find secret"):
        SecretsManager().get("db", "password")
    monkeypatch.setenv("TACENDA_STACK", "prod")  # somebody wants a stack, which is not there: no missing secret
    with pytest.raises(errors.SecretError, match="there is no stack 'prod'") as caught:
        SecretsManager().get("db", "password")
    assert not isinstance(caught.value, ValueError)


def test_declared_names(stored: Path):
    """An attribute's `_` is `-` or `.` in a declared name; a group alone stands for all its keys (C5, S4.25)."""
    declared = [Secret(group="my-api-keys", key="github_token"), Secret(group="my-api-keys", key="stripe-key")]
    assert in_task(lambda secrets: secrets.my_api_keys.github_token, *declared) == "example-github"
    assert in_task(lambda secrets: secrets.my_api_keys.stripe_key, *declared) == "example-stripe"
    assert in_task(lambda secrets: secrets.my_api_keys.github_token, Secret(group="my-api-keys")) == "example-github"
    with pytest.raises(ValueError, match="Unable to find secret"):
        in_task(lambda secrets: secrets.my_api_keys.github_token)


def test_declared_names_on_the_platform(stored: Path, monkeypatch: pytest.MonkeyPatch):
    """Declared names are looked for on the platform, too, and what is spelled exactly goes first."""
    declared = Secret(group="my-api-keys", key="github_token")
    monkeypatch.setenv("_FSEC_MY-API-KEYS_GITHUB_TOKEN", "example-injected")
    assert in_task(lambda secrets: secrets.my_api_keys.github_token, declared) == "example-injected"
    monkeypatch.setenv("_FSEC_MY_API_KEYS_GITHUB_TOKEN", "example-exact")
    assert in_task(lambda secrets: secrets.my_api_keys.github_token, declared) == "example-exact"


def test_ambiguous_names(stored: Path, monkeypatch: pytest.MonkeyPatch):
    """Two declared secrets on one attribute, or on one documented variable, are an error that lists both (C5)."""
    both = [Secret(group="my-api-keys", key="k"), Secret(group="my.api.keys", key="k")]
    with pytest.raises(errors.Conflict, match=r"'my-api-keys#k' and 'my\.api\.keys#k'"):
        in_task(lambda secrets: secrets.my_api_keys.k, *both)
    monkeypatch.setenv("FLYTE_SECRETS_MY_API_KEYS_K", "example-injected")
    with pytest.raises(errors.Conflict, match=r"'my-api-keys#k' and 'my\.api\.keys#k'"):
        in_task(lambda secrets: secrets.get("my-api-keys", "k"), *both)


def test_missing(stored: Path):
    """Missing is a ValueError: flytekit's words, each place asked, what to do next, no value (S4.43, S4.44, S4.51)."""
    with pytest.raises(ValueError, match="Unable to find secret for key nothing in group db") as caught:
        in_task(lambda secrets: secrets.get("db", "nothing"), DB)
    assert isinstance(caught.value, errors.SecretNotFound)
    text = str(caught.value)
    assert "secret_requests=[Secret(group=db, key=nothing)]" in text
    assert "tried: environment: _FSEC_DB_NOTHING, FLYTE_SECRETS_DB_NOTHING, DB_NOTHING" in text
    assert "tried: file: /etc/secrets/db/nothing" in text
    assert "tried: local://.secrets.json#db" in text
    assert "next: on a cluster, check that the task declares the secret" in text
    assert "example-" not in text
    assert str(pickle.loads(pickle.dumps(caught.value))) == text


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ("stacks: {dev: {secrets: {provider: nonsense}}}", errors.SecretError),
        (
            "stacks: {dev: {secrets: {provider: vault, vault_url: 'http://127.0.0.1:9'}, deadline: 0}}",
            errors.BackendUnavailable,
        ),
    ],
)
def test_broken_is_not_missing(stack, monkeypatch: pytest.MonkeyPatch, config: str, kind: type[Exception]):
    """Whatever could not be asked is an error of its own kind and never a ValueError (S4.52)."""
    stack({}).joinpath("tacenda.yaml").write_text(config)
    monkeypatch.setenv("VAULT_TOKEN", "example-token")
    with pytest.raises(kind) as caught:
        SecretsManager().get("db", "password")
    assert not isinstance(caught.value, ValueError)


def test_text_has_no_keys(stored: Path):
    """A key asked of a text secret is no missing secret."""
    with pytest.raises(errors.SecretError, match="has no key") as caught:
        SecretsManager().get("token", "key")
    assert not isinstance(caught.value, ValueError)


def test_upstreams_errors(stored: Path):
    """Misuse fails as upstream: no arguments, and what Python itself asks an object for."""
    with pytest.raises(IndexError):
        SecretsManager().get()
    with pytest.raises(ValueError, match="__deepcopy__"):
        SecretsManager().db.__deepcopy__  # noqa: B018 - as copy.deepcopy does
    with pytest.raises(ValueError, match="Group is a required parameter"):
        Secret(key="k")
    with pytest.raises(ValueError, match="Invalid environment variable name"):
        Secret(group="g", env_var="1x")
    assert Secret(group="g", key="k").mount_requirement is Secret.MountType.ANY


def test_values_of_the_platform_are_masked(stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What a cluster has injected or mounted is told to the masker, the leaves of JSON too, but for HOST."""
    stack({})
    tmp_path.joinpath("db").mkdir()
    tmp_path.joinpath("db/file").write_text("example-mounted\n")
    monkeypatch.setenv("FLYTE_SECRETS_DEFAULT_DIR", str(tmp_path))
    monkeypatch.setenv("_FSEC_DB_PASSWORD", "example-injected")
    monkeypatch.setenv("_FSEC_DB_HOST", "db.example.internal")
    monkeypatch.setenv("_FSEC_JSON", '{"API_KEY": "example-leaf", "HOST": "db.example.internal"}')
    in_task(lambda secrets: [secrets.get("db", key) for key in ("password", "file", "host")] + [secrets.get("json")])
    assert find_leaks("example-mounted example-injected example-leaf") == ["db#file", "db#password", "json#API_KEY"]
    assert registry().mask("db.example.internal") == "db.example.internal"


def test_what_tasks_only_declare_is_masked(stack, monkeypatch: pytest.MonkeyPatch):
    """A declared secret that the platform has injected is masked, though the task reads the variable by itself."""
    stack({})
    monkeypatch.setenv("PGPASSWORD", "example-platform")
    monkeypatch.setenv("_FSEC_DB_PASSWORD", "example-injected")
    in_task(lambda _: None, Secret(group="db", key="password", env_var="PGPASSWORD"))
    assert registry().mask("example-platform example-injected") == "[masked] [masked]"


def test_documented_module():
    """`from flytekit.core.secrets import SecretsManager` imports; every import path is the one class (S4.21, S4.55)."""
    import flytekit.core.secrets
    from flytekit.configuration.internal import Secrets
    from flytekit.core.secrets import SecretsManager as Documented
    from flytekit.models.security import Secret as Model

    assert Documented is SecretsManager
    assert Model is flytekit.Secret
    assert isinstance(current_context().secrets, Documented)
    assert Secrets.ENV_PREFIX
    with pytest.raises(AttributeError, match="has no attribute 'Other'"):
        flytekit.core.secrets.Other  # noqa: B018


def test_upstreams_own_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A `flytekit.core.secrets` of upstream's own, once there is one, is left alone."""
    import flytekit.core

    from tacenda_flyte.flytekit._documented import NAME, module

    tmp_path.joinpath("secrets.py").write_text("class SecretsManager: ...")
    monkeypatch.delitem(__import__("sys").modules, NAME)
    monkeypatch.setattr(flytekit.core, "__path__", [*flytekit.core.__path__, str(tmp_path)])
    assert module().__file__ == str(tmp_path / "secrets.py")


def test_threads_of_the_user(stored: Path):
    """A thread that the task starts, which inherits no context, knows the declared names all the same."""
    from concurrent.futures import ThreadPoolExecutor

    def read(secrets: SecretsManager) -> str:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(lambda: str(secrets.my_api_keys.github_token)).result()

    assert in_task(read, Secret(group="my-api-keys", key="github_token")) == "example-github"
    assert FlyteContextManager.size() == 1
    assert "TACENDA_INJECTED" not in os.environ
