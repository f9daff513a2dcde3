"""The double of Azure Key Vault as a server of its own: started, used by another process, stopped, and gone."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tacenda.testing import AzureKeyVault, azure_key_vault

VALUE = "example-value-that-nobody-may-see"
USER = f"""
import os
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient

client = SecretClient(os.environ["VAULT_URL"], DefaultAzureCredential())
client.set_secret("api-keys", {VALUE!r})
print(client.get_secret("api-keys").value == {VALUE!r})
try:
    client.set_secret("api_keys", {VALUE!r})
except Exception as error:
    print(error.status_code)
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A function that starts the command, with temporary files in a directory of its own."""
    running = []
    (tmp_path / "tmp").mkdir()

    def run(*arguments: str, **variables: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tacenda.testing.azure", "--port", "0", *arguments]
        environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp"), **variables}
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True, cwd=tmp_path)
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def exported(process: subprocess.Popen[str]) -> dict[str, str]:
    """Read as a shell would what the command says that one should export; an empty line ends it."""
    assert process.stdout
    words = [shlex.split(line, comments=True) for line in iter(process.stdout.readline, "\n")]
    assert all(word[0] == "export" and len(word) == 2 for word in words if word)
    return dict(word[1].split("=", 1) for word in words if word)


def use(environment: dict[str, str]) -> str:
    command = [sys.executable, "-c", USER]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_another_process_uses_it(start: Start, tmp_path: Path) -> None:
    """What it prints is all that another process needs; Ctrl-C ends it, and nothing is left behind or shown."""
    process = start("--directory", "ca")
    environment = exported(process)
    assert environment["REQUESTS_CA_BUNDLE"] == str(tmp_path / "ca" / "ca.pem")
    assert use(environment).split() == ["True", "400"]
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=10)
    assert (process.returncode, output, errors) == (0, "", "")
    assert list((tmp_path / "tmp").iterdir()) == list((tmp_path / "ca").iterdir()) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(environment["VAULT_URL"].rpartition(":")[2])))


def test_other_logins(start: Start, tmp_path: Path) -> None:
    """Another login can be asked for; what ends containers ends it as cleanly as Ctrl-C."""
    process = start("--login", "managed_identity")
    assert use(exported(process)).split() == ["True", "400"]
    process.terminate()
    assert process.wait(10) == 0
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_secret_of_ones_own(start: Start) -> None:
    """The client secret can be chosen, by a variable: arguments are visible to everybody on the machine."""
    environment = exported(start(AZURE_CLIENT_SECRET="example-chosen"))
    assert environment["AZURE_CLIENT_SECRET"] == "example-chosen"


def test_a_name_of_ones_own(start: Start) -> None:
    """In a container the vault has a name, which is in its certificate and in what is printed."""
    environment = exported(start("--name", "vault.example.test"))
    scheme_and_name, _, port = environment["VAULT_URL"].rpartition(":")
    assert scheme_and_name == "https://vault.example.test"
    context = ssl.create_default_context(cafile=environment["REQUESTS_CA_BUNDLE"])
    for name in ("vault.example.test", "127.0.0.1", "localhost"):
        with socket.create_connection(("127.0.0.1", int(port))) as plain:
            context.wrap_socket(plain, server_hostname=name).close()


def test_a_port_that_is_taken(start: Start, tmp_path: Path) -> None:
    """A port that somebody else has is an error in one line, and leaves nothing behind."""
    with azure_key_vault() as other:
        process = start("--port", other.url.rpartition(":")[2])
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 1
    assert errors.startswith("cannot listen on 127.0.0.1: ")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_an_unknown_login(start: Start) -> None:
    """A login that there is not is an error before anything is started."""
    _, errors = (process := start("--login", "carrier-pigeon")).communicate(timeout=10)
    assert process.returncode == 2
    assert "managed_identity" in errors


class TestInThisProcess:
    def test_nothing_is_left(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """After the block there is no thread, no file and no listener; closing again does nothing."""
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        before = set(threading.enumerate())
        with azure_key_vault() as vault:
            vault.environment("azure_cli")
            vault.client().set_secret("api-keys", VALUE)
        vault.close()
        left = [thread for thread in set(threading.enumerate()) - before if not thread.join(5) and thread.is_alive()]
        assert (left, list(tmp_path.iterdir())) == ([], [])
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(vault.url.rpartition(":")[2])))

    def test_a_second_port_that_is_taken(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """If one of its two ports is taken, neither the other one nor a file is left."""
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
            azure_key_vault(identity_port=taken.getsockname()[1])
        assert list(tmp_path.iterdir()) == []

    def test_nothing_is_shown(self, capfd: pytest.CaptureFixture[str]) -> None:
        """Neither output nor a repr nor the noted requests have a value, a secret or a token in them."""
        with azure_key_vault() as vault:
            vault.client().set_secret("api-keys", VALUE)
            with pytest.raises(Exception, match="BadParameter"):
                vault.client().set_secret("api_keys", VALUE)
            shown = [repr(vault), repr(vars(vault)), *vault.requests, *capfd.readouterr()]
            shown += [repr(vars(vault._service)), repr(vars(vault._store))]
        assert VALUE not in "".join(shown)
        assert vault.client_secret not in "".join(vault.requests)

    def test_a_failure_of_its_own_is_silent(
        self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Should the double itself fail, it answers 500 with what it was, not with what it held."""
        with azure_key_vault() as vault:
            client = vault.client(retry_total=0)
            client.set_secret("api-keys", VALUE)
            monkeypatch.setattr(vault._store, "version", {}.__getitem__)
            with pytest.raises(Exception, match="The test server failed: TypeError") as error:
                client.get_secret("api-keys")
        assert VALUE not in str(error.value)
        assert capfd.readouterr() == ("", "")

    def test_two_vaults(self) -> None:
        """Two vaults know nothing of each other, nor of each other's logins."""
        with azure_key_vault() as one, azure_key_vault() as two:
            one.client().set_secret("api-keys", VALUE)
            assert list(two.client().list_properties_of_secrets()) == []
            assert one.client_secret != two.client_secret

    def test_reset(self) -> None:
        """`reset` empties the vault: deleted secrets too, whose names are free again at once."""
        with azure_key_vault(deletion_delay=0) as vault:
            client = vault.client()
            client.set_secret("api-keys", VALUE)
            client.begin_delete_secret("api-keys")
            vault.reset()
            assert vault.requests == []
            assert client.set_secret("api-keys", VALUE).name == "api-keys"


def test_the_differences_are_listed() -> None:
    """Users of the double can read in which places it may differ from the service."""
    import tacenda.testing.azure as module

    assert "Where it may differ from the service:" in (module.__doc__ or "")
    assert module.__all__ == ["AzureKeyVault", "azure_key_vault"]
    assert AzureKeyVault is module.AzureKeyVault
