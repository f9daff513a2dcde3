"""`env_var=`, `ENV_VAR` and `FILE` in this process: what is there while a task runs, and gone afterwards."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flytekit import Secret, current_context, dynamic, eager, map_task, task, workflow
from flytekit.core.context_manager import SecretsManager

from tacenda import errors, open_store, testing
from tacenda._active import use_stack
from tacenda_flyte.flytekit._mounts import MOUNTS

pytestmark = pytest.mark.flytekit

ENV_VAR, FILE, ANY = Secret.MountType.ENV_VAR, Secret.MountType.FILE, Secret.MountType.ANY
STORED = {"db": {"password": "example-password", "other": "example-other"}, "my-certs": {"tls_cert": "example-cert\n"}}


@pytest.fixture(autouse=True)
def directory(stack) -> Iterator[Path]:
    """A stack; and whatever a test does, no variable and no file of tacenda's is left."""
    yield stack(STORED)
    assert "TACENDA_INJECTED" not in os.environ
    assert not MOUNTS


def seen(*secrets: Secret, read: Any = None) -> Any:
    """Return the environment in a task that declares secrets, or what `read` gives there."""
    found = []

    @task(secret_requests=list(secrets))
    def looking() -> None:
        found.append(dict(os.environ) if read is None else read())

    before = dict(os.environ)
    looking()
    assert dict(os.environ) == before
    return found[0]


def password(kind: Secret.MountType, env_var: str | None = None, key: str = "password") -> Secret:
    return Secret(group="db", key=key, mount_requirement=kind, env_var=env_var)


@pytest.mark.parametrize(
    ("kind", "env_var", "expected"),
    [
        (ENV_VAR, None, {"_FSEC_DB_PASSWORD": "example-password"}),
        (ENV_VAR, "PGPASSWORD", {"_FSEC_DB_PASSWORD": "example-password", "PGPASSWORD": "example-password"}),
        (ANY, "PGPASSWORD", {"PGPASSWORD": "example-password"}),
        (ANY, None, {}),
        (FILE, None, {}),
    ],
)
def test_variables(kind, env_var, expected: dict[str, str]):
    """Which variables a declaration means while the task runs, and that their names are noted (S4.11-S4.17)."""
    found = seen(password(kind, env_var))
    assert {name: found[name] for name in ("_FSEC_DB_PASSWORD", "PGPASSWORD") if name in found} == expected
    assert set(filter(None, found.get("TACENDA_INJECTED", "").split(","))) == set(expected)


def test_values_are_exact():
    """A variable has the exact value, as on a cluster; only `get` strips (S4.14)."""
    cert = Secret(group="my-certs", key="tls_cert", mount_requirement=ENV_VAR)
    assert seen(cert)["_FSEC_MY-CERTS_TLS_CERT"] == "example-cert\n"
    assert seen(cert, read=lambda: current_context().secrets.get("my-certs", "tls_cert")) == "example-cert"


def test_any_as_a_file(monkeypatch: pytest.MonkeyPatch):
    """TACENDA_FLYTEKIT_ANY=file makes ANY what the default Kubernetes injector makes of it (S4.12)."""
    monkeypatch.setenv("TACENDA_FLYTEKIT_ANY", "file")
    assert seen(password(ANY, "PG_FILE"), read=lambda: Path(os.environ["PG_FILE"]).read_text()) == "example-password"
    monkeypatch.setenv("TACENDA_FLYTEKIT_ANY", "both")
    with pytest.raises(errors.ConfigurationError, match="TACENDA_FLYTEKIT_ANY must be env or file"):
        seen(password(ANY, "PG_FILE"))


def test_file():
    """A FILE secret is a private file, exact, its path in `env_var`, and gone afterwards (S4.15, S4.18)."""

    def read() -> tuple[Any, ...]:
        path = current_context().secrets.get_secrets_file("my-certs", "tls_cert")
        assert path == os.environ["TLS_CERT_PATH"] == SecretsManager().get_secrets_file("my_certs", "tls_cert")
        modes = [stat.S_IMODE(os.stat(each).st_mode) for each in (path, os.path.dirname(path))]
        return path, Path(path).read_text(), modes, current_context().secrets.get("my-certs", "tls_cert")

    cert = Secret(group="my-certs", key="tls_cert", mount_requirement=FILE, env_var="TLS_CERT_PATH")
    path, content, modes, got = seen(cert, read=read)
    assert os.path.basename(path) == "tls_cert"
    assert content == "example-cert\n"
    assert modes == [0o400, 0o700]
    assert got == "example-cert"
    assert not os.path.exists(os.path.dirname(path))


def test_large_binary_file():
    """FILE carries binaries of any size, byte for byte (S4.16); as bytes `get` has them, too."""
    binary = random.Random(1).randbytes(200 * 1024) + b"\n"
    secret = Secret(group="certs", key="bundle", mount_requirement=FILE)

    def read() -> list[str]:
        secrets = current_context().secrets
        contents = (
            Path(secrets.get_secrets_file("certs", "bundle")).read_bytes(),
            secrets.get("certs", "bundle", None, "rb"),
        )
        return [hashlib.sha256(content).hexdigest() for content in contents]

    with testing.override({"certs": {"bundle": binary}}):
        assert seen(secret, read=read) == [hashlib.sha256(binary).hexdigest()] * 2


def test_file_is_removed_after_a_failure():
    """A task that fails leaves neither file nor variable."""
    paths = []

    @task(secret_requests=[password(FILE, "PG_FILE"), password(ENV_VAR, "PGPASSWORD")])
    def failing() -> None:
        paths.append(os.environ["PG_FILE"])
        raise RuntimeError("expected")

    with pytest.raises(RuntimeError, match="expected"):
        failing()
    assert paths
    assert not os.path.exists(os.path.dirname(paths[0]))
    assert "PGPASSWORD" not in os.environ


def test_file_attribute(monkeypatch: pytest.MonkeyPatch):
    """An attribute of a FILE secret is its content, or with a setting its path, as one page says (S4.26, C7)."""
    cert = Secret(group="my-certs", key="tls_cert", mount_requirement=FILE)

    def read() -> str:
        return str(current_context().secrets.my_certs.tls_cert)

    assert seen(cert, read=read) == "example-cert"
    monkeypatch.setenv("TACENDA_FLYTEKIT_FILE_ATTRIBUTE", "path")
    assert seen(cert, read=read).endswith("/tls_cert")
    assert seen(password(ANY), read=lambda: str(current_context().secrets.db.password)) == "example-password"


def test_the_platform_wins(monkeypatch: pytest.MonkeyPatch, directory: Path):
    """Variables and files that the platform has put there stay, and its value is what a missing variable gets."""
    monkeypatch.setenv("PGPASSWORD", "example-platform")
    monkeypatch.setenv("_FSEC_DB_OTHER", "example-injected")
    directory.joinpath("mounted/my-certs").mkdir(parents=True)
    directory.joinpath("mounted/my-certs/tls_cert").write_text("example-mounted")
    monkeypatch.setenv("FLYTE_SECRETS_DEFAULT_DIR", str(directory / "mounted"))
    found = seen(
        password(ENV_VAR, "PGPASSWORD"),
        password(ENV_VAR, "OTHER", key="other"),
        Secret(group="my-certs", key="tls_cert", mount_requirement=FILE, env_var="TLS_CERT_PATH"),
    )
    assert (found["PGPASSWORD"], found["OTHER"]) == ("example-platform", "example-injected")
    assert found["TLS_CERT_PATH"] == str(directory / "mounted" / "my-certs" / "tls_cert")
    assert "PGPASSWORD" not in found["TACENDA_INJECTED"]


def test_local_name_is_delivered(monkeypatch: pytest.MonkeyPatch):
    """In a local run a variable without prefix is the platform, as for `get`; it need not be in any stack."""
    monkeypatch.setenv("DB_ONLY_HERE", "example-local")
    assert seen(password(ENV_VAR, "PGPASSWORD", key="only_here"))["PGPASSWORD"] == "example-local"


def test_never_read_back(directory: Path):
    """What was injected is no source: not for a secret of that very name, nor for a stack on the environment."""
    from_environment = open_store(config={"stacks": {"only": {"secrets": {"provider": "env"}}}})

    def read() -> tuple[Any, ...]:
        in_stack = from_environment.get("DB_OTHER", default=None)
        return in_stack, current_context().secrets.get("db", "other")

    # DB_OTHER is also flytekit's local name of db#other, which is another secret.
    assert seen(password(ANY, "DB_OTHER"), read=read) == (None, "example-other")


def test_missing_is_not_delivered(caplog: pytest.LogCaptureFixture):
    """A declared secret that nobody has is a warning: as on a cluster the task runs, and `get` says what is missing."""
    found = seen(password(ENV_VAR, "NOTHING", key="nothing"), password(FILE, "NO_FILE", key="nothing"))
    assert not {"NOTHING", "NO_FILE"} & set(found)
    assert "declares the secret 'db#nothing', which nobody has" in caplog.text
    assert "local://.secrets.json#db" in caplog.text


def test_broken_stack_fails_the_task(directory: Path):
    """If a secret that is to be delivered cannot be asked for, the task fails before its code runs."""
    directory.joinpath(".secrets.json").write_text("{broken")
    with pytest.raises(errors.SecretError) as caught:
        seen(password(ENV_VAR, "PGPASSWORD"))
    assert not isinstance(caught.value, errors.SecretNotFound)
    assert seen(password(ANY)), "nothing is delivered, so nobody is asked"


def test_binary_is_no_variable():
    """A binary secret cannot be a variable, and the error says what can."""
    with testing.override({"db": {"password": b"\xff\x00"}}), pytest.raises(errors.Unsupported) as caught:
        seen(password(ENV_VAR, "PGPASSWORD"))
    assert "MountType.FILE" in str(caught.value)


def test_one_variable_for_two_secrets():
    """Two secrets on one variable are one error that names both, in one task and in a dynamic task's (fail closed)."""
    message = "variable TOKEN stands for 'db#password' and cannot be 'db#other' too"
    with pytest.raises(errors.Conflict, match=message):
        seen(password(ANY, "TOKEN"), password(ANY, "TOKEN", key="other"))

    @task(secret_requests=[password(ANY, "TOKEN", key="other")])
    def inner() -> None: ...

    @dynamic(secret_requests=[password(ANY, "TOKEN")])
    def outer() -> None:
        inner()

    with pytest.raises(errors.Conflict, match=message):
        outer()


def test_one_variable_for_two_stacks(directory: Path):
    """A task on another stack never gets the value of the first one's: that is refused, too."""
    directory.joinpath("tacenda.yaml").write_text(
        "default_stack: dev\nstacks:\n"
        "  dev: {secrets: {provider: local, path: .secrets.json}}\n"
        "  prod: {secrets: {provider: local, path: prod.json}}\n"
    )
    directory.joinpath("prod.json").write_text('{"db": {"password": "example-prod"}}')

    @task(secret_requests=[password(ANY, "TOKEN")])
    def token() -> str:
        return str(os.environ["TOKEN"] == "example-prod")

    @dynamic(secret_requests=[password(ANY, "TOKEN")])
    def outer() -> None:
        with use_stack("prod"):
            token()

    with pytest.raises(errors.Conflict, match="cannot be 'db#password' of another stack too"):
        outer()
    with use_stack("prod"):
        assert token() == "True"


def test_tasks_one_after_the_other():
    """In a workflow each task has its own variables, also under one name."""
    found = []

    @task(secret_requests=[password(ANY, "TOKEN")])
    def first() -> None:
        found.append(os.environ["TOKEN"])

    @task(secret_requests=[password(ANY, "TOKEN", key="other")])
    def second() -> None:
        found.append(os.environ["TOKEN"])

    @workflow
    def both() -> None:
        first()
        second()

    both()
    assert found == ["example-password", "example-other"]


def test_mapped_and_nested_tasks():
    """Mapped tasks have what the task declares; what a dynamic task declares is its own, not its inner tasks'."""
    found: list[Any] = []

    @task(secret_requests=[password(ANY, "TOKEN")])
    def mapped(number: int) -> int:
        found.append((os.environ["TOKEN"], current_context().secrets.db.password))
        return number

    @dynamic(secret_requests=[password(ANY, "OUTER", key="other")])
    def outer() -> list[int]:
        found.append(("TOKEN" in os.environ, os.environ["OUTER"]))
        return map_task(mapped)(number=[1, 2])

    assert outer() == [1, 2]
    assert found == [(False, "example-other")] + [("example-password", "example-password")] * 2


def test_parallel_eager_tasks():
    """Of tasks that run at the same time, none takes away what another one needs."""
    found: list[str] = []

    @task(secret_requests=[password(ENV_VAR, "TOKEN")])
    async def short() -> int:
        found.append(os.environ["TOKEN"])
        return 1

    def look() -> None:
        found.append(os.environ["TOKEN"])
        found.append(Path(os.environ["TOKEN_FILE"]).read_text())

    @task(secret_requests=[password(ENV_VAR, "TOKEN"), password(FILE, "TOKEN_FILE")])
    async def long() -> int:
        for _ in range(5):
            await asyncio.sleep(0.02)
            look()
        return 2

    @eager
    async def together() -> int:
        return sum(await asyncio.gather(long(), short(), long(), short()))

    asyncio.run(together())
    assert found == ["example-password"] * 22
