"""A login is sent to this machine or over TLS, and nowhere else by accident."""

from __future__ import annotations

import pytest

from tacenda.errors import ConfigurationError
from tacenda.providers._address import checked_url, is_loopback


def check(url, **settings):
    """Return what `checked_url` returns for a backend called `shelf`."""
    return checked_url(url, "shelf: shelf_url", settings, example="https://shelf.example.com", credentials="`auth`")


@pytest.mark.parametrize(
    "url", ["https://shelf.example.com", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost"]
)
def test_safe_addresses(url):
    """TLS, or this machine."""
    assert check(url) == url


def test_http_beyond_this_machine():
    """It is refused unless `allow_http` is true, and only true."""
    with pytest.raises(ConfigurationError, match=r"http beyond this machine \(shelf\.example\.com\)") as told:
        check("http://shelf.example.com")
    assert "allow_http: true" in told.value.hint
    assert check("http://shelf.example.com", allow_http=True)
    with pytest.raises(ConfigurationError):
        check("http://shelf.example.com", allow_http="no")


@pytest.mark.parametrize("url", ["shelf.example.com", "ftp://shelf.example.com", "https://", ""])
def test_no_address(url):
    """What is no URL is told with an example."""
    with pytest.raises(ConfigurationError, match=r"must be a URL such as https://shelf\.example\.com"):
        check(url)


def test_credentials_in_an_address():
    """They are refused without being repeated, with where they go."""
    with pytest.raises(ConfigurationError, match="holds credentials") as told:
        check("https://user:example-password@shelf.example.com")
    assert "example-password" not in str(told.value)
    assert "`auth`" in told.value.hint


@pytest.mark.parametrize("host", ["127.0.0.1.example.com", "localhost.example.com", "128.0.0.1", "", "0.0.0.0"])
def test_not_this_machine(host):
    """Names that only look like this machine are not."""
    assert not is_loopback(host)
