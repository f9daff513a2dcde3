"""One client and one login per backend in a process, for every stack entry and store that asks it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tacenda import open_store
from tacenda.providers._shared_clients import Connections, SharedClients, connection_key
from tacenda.testing import Gateway


class _Client:
    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


def test_a_client_is_closed_when_the_last_gives_it_back():
    """Closing one store takes the connection from no other."""
    clients: SharedClients[_Client] = SharedClients()
    first, second = clients.take("a", _Client), clients.take("a", _Client)
    assert first is second
    clients.give_back("a")
    assert not first.closed
    clients.give_back("a")
    assert first.closed
    assert clients.take("a", _Client) is not first


def test_sixteen_threads_make_one_client():
    """Whoever comes first makes it; nobody makes a second one."""
    clients: SharedClients[_Client] = SharedClients()
    with ThreadPoolExecutor(16) as threads:
        taken = set(threads.map(lambda _: clients.take("a", _Client), range(64)))
    assert len(taken) == 1


def test_an_entry_takes_each_of_its_clients_once():
    """A stack entry has one client for each place it asks, and gives back what it took, no more."""
    clients: SharedClients[_Client] = SharedClients()
    ours, others = Connections(clients), Connections(clients)
    here = [ours.client("here", lambda: "a", _Client) for _ in range(3)]
    there = ours.client("there", lambda: "b", _Client)
    assert len(set(here)) == 1
    assert others.client(None, lambda: "a", _Client) is here[0]
    ours.close()
    ours.close()
    assert (here[0].closed, there.closed) == (False, True)
    assert ours.client("here", lambda: "a", _Client) is here[0]
    ours.close()
    others.close()
    assert here[0].closed


def test_an_entry_asked_by_sixteen_threads_takes_one_client():
    """Then closing the entry closes it, for nobody has taken it twice."""
    clients: SharedClients[_Client] = SharedClients()
    entry = Connections(clients)
    with ThreadPoolExecutor(16) as threads:
        taken = set(threads.map(lambda _: entry.client(None, lambda: "a", _Client), range(64)))
    assert len(taken) == 1
    entry.close()
    assert taken.pop().closed


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"namespace": "a"}, {"namespace": "b"}),
        ({"auth": {"role": "a"}}, {"auth": {"role": "b"}}),
        ({}, {"base": "/x"}),
    ],
)
def test_another_connection_is_another_client(ours, theirs):
    """A login for one namespace or role never serves another."""
    assert connection_key(ours, ()) != connection_key(theirs, ())


def test_the_environment_plays_a_part(monkeypatch):
    """A store opened after VAULT_TOKEN changed logs in with the new one."""
    monkeypatch.setenv("VAULT_TOKEN", "example-token-1")
    before = connection_key({}, ("VAULT_",))
    monkeypatch.setenv("VAULT_TOKEN", "example-token-2")
    assert connection_key({}, ("VAULT_",)) != before
    assert "example-token" not in repr(before)


def test_two_documents_of_one_server_share_a_login(bao):
    """The chain that stands for "document and prefix together" logs in once, from two stores as well."""
    kv = bao.client().secrets.kv.v2
    kv.create_or_update_secret("shared/one", {"A": "example-a"})
    kv.create_or_update_secret("shared/two", {"B": "example-b"})
    with Gateway(bao.url) as gateway:
        admin = bao.client()
        admin.sys.enable_auth_method("userpass", path="shared-users")
        admin.sys.create_or_update_policy("shared", 'path "secret/data/shared/*" { capabilities = ["read"] }')
        admin.write_data(
            "auth/shared-users/users/somebody", data={"password": "example-password", "policies": "shared"}
        )
        entry = {
            "provider": "vault",
            "vault_url": gateway.url,
            "auth": {
                "method": "userpass",
                "mount": "shared-users",
                "username": "somebody",
                "password": "example-password",
            },
        }
        chain = [{**entry, "vault_path": "shared/one"}, {**entry, "vault_path": "shared/two"}]
        config = {"stacks": {"prod": {"secrets": chain}}}
        with open_store(config=config) as store, open_store(config=config) as other:
            assert store.get_many(["A", "B"]) == {"A": "example-a", "B": "example-b"}
            assert other.get("B") == "example-b"
        logins = [request for request in gateway.requests if "/login/" in request]
    assert len(logins) == 1
