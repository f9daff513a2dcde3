"""Registering and taking back: counts, lengths, threads, forks."""

from __future__ import annotations

import logging
import threading

import pytest

from tacenda.masking import Masker, registry
from tacenda.testing._conformance._base import texts_of

SECRET = "example-token-1"


def test_remove_counts_back():
    """Two that registered the same value: it is masked until both have taken it back."""
    masker = Masker()
    masker.add(SECRET)
    masker.add(SECRET)
    masker.remove(SECRET)
    assert masker.mask(SECRET) == "[masked]"
    masker.remove(SECRET)
    assert masker.mask(SECRET) == SECRET
    assert len(masker) == 0


def test_removing_what_is_not_there_is_harmless():
    """Neither an error nor a debt."""
    masker = Masker()
    masker.remove(SECRET)
    masker.add(SECRET)
    assert masker.mask(SECRET) == "[masked]"


def test_text_and_its_bytes_are_one_value():
    """What was added as text can be removed as bytes."""
    masker = Masker()
    masker.add(SECRET)
    masker.add(SECRET.encode())
    assert len(masker) == 1
    masker.remove(SECRET.encode())
    masker.remove(SECRET)
    assert len(masker) == 0


@pytest.mark.parametrize("value", ["", b""])
@pytest.mark.parametrize("min_length", [0, 6])
def test_empty_is_never_registered(value, min_length, caplog):
    """An empty value would mask everything; it is no reason for a warning either (checklist 14)."""
    masker = Masker(min_length=min_length)
    masker.add(value, name="empty")
    assert len(masker) == 0
    assert masker.mask("abc") == "abc"
    assert caplog.text == ""


@pytest.mark.parametrize("value", ["12345", "äöüäö", b"12345"])
def test_short_values_are_told_by_name(value, caplog):
    """Too short to mask: one warning names the secret, never the value (checklist 14)."""
    masker = Masker()
    with caplog.at_level(logging.WARNING):
        masker.add(value, name="pins#a")
        masker.add(value, name="pins#a")
        masker.add(value, name="pins#b")
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [f"pins#{k} is shorter than 6 characters and is not masked" for k in "ab"]
    assert len(masker) == 0


def test_short_value_without_a_name(caplog):
    """The warning does not repeat the value for want of a name."""
    Masker().add("abc12")
    assert caplog.messages == ["a secret is shorter than 6 characters and is not masked"]


def test_six_characters_are_enough():
    """The limit itself is masked; it counts characters, not bytes."""
    masker = Masker()
    masker.add("123456")
    assert masker.mask("x123456x") == "x[masked]x"


def test_min_length_of_ones_own(caplog):
    """A stricter or looser masker is a setting."""
    masker = Masker(min_length=3)
    masker.add("abc")
    masker.add("ab", name="two")
    assert masker.mask("abc ab") == "[masked] ab"
    assert "two is shorter than 3 characters" in caplog.text


def test_one_registry_per_process():
    """Two would each know only half of the secrets (checklist 10)."""
    assert registry() is registry()


def test_registry_is_one_for_all_threads():
    """Also across threads."""
    seen = []
    thread = threading.Thread(target=lambda: seen.append(registry()))
    thread.start()
    thread.join(10)
    assert seen == [registry()]


def test_adding_while_others_mask():
    """A scan sees the old set or the new one, never half of one, and fails never."""
    masker = Masker()
    masker.add("always-there")
    stop = threading.Event()
    failures = []

    def scan():
        while not stop.is_set():
            try:
                assert masker.mask("x always-there y") == "x [masked] y"
            except BaseException as error:  # noqa: BLE001 - told at the end
                failures.append(error)
                return

    threads = [threading.Thread(target=scan) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(300):
        masker.add(f"example-value-{number}")
    for number in range(300):
        masker.remove(f"example-value-{number}")
    stop.set()
    for thread in threads:
        thread.join(10)
    assert failures == []
    assert len(masker) == 1


def test_concurrent_adds_are_all_counted():
    """No registration is lost between threads."""
    masker = Masker()

    def work():
        for _ in range(100):
            masker.add(SECRET)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    for _ in range(799):
        masker.remove(SECRET)
    assert len(masker) == 1
    masker.remove(SECRET)
    assert len(masker) == 0


class Follower:
    """Notes what it is told, and can fail."""

    def __init__(self):
        self.told, self.broken = [], False

    def add(self, value, name):
        if self.broken:
            raise OSError("the helper is gone")
        self.told.append(("add", value, name))

    def remove(self, value):
        self.told.append(("remove", value))


def test_a_follower_knows_every_value():
    """The helper process masks what this process masks: what was known before, what comes, what goes."""
    masker, follower = Masker(), Follower()
    masker.add(SECRET, name="early")
    masker.follow(follower)
    masker.add("example-token-2", name="late")
    masker.add("example-token-2", name="late")
    masker.remove("example-token-2")
    masker.remove("example-token-2")
    masker.unfollow(follower)
    masker.remove(SECRET)
    late = b"example-token-2"
    assert follower.told == [("add", SECRET.encode(), "early"), ("add", late, "late"), ("remove", late)]


def test_a_follower_that_fails_is_told_again():
    """`add` raises, so that nobody gets a value that is not masked everywhere; the next try starts afresh."""
    masker, follower = Masker(), Follower()
    masker.follow(follower)
    follower.broken = True
    for _ in range(2):
        with pytest.raises(OSError, match="helper"):
            masker.add(SECRET, name="api-keys")
    assert masker.mask(SECRET) == "[masked]"
    follower.broken = False
    masker.add(SECRET, name="api-keys")
    assert follower.told == [("add", SECRET.encode(), "api-keys")]
    masker.remove(SECRET)
    assert masker.mask(SECRET) == SECRET


def test_an_error_of_a_follower_keeps_no_value():
    """No frame of its traceback holds the value, in whatever form, nor one that was registered before (checklist 3)."""
    masker, follower = Masker(), Follower()
    masker.add("example-token-2")
    follower.broken = True
    with pytest.raises(OSError, match="helper") as followed:
        masker.follow(follower)
    follower.broken = False
    masker.follow(follower)
    follower.broken = True
    with pytest.raises(OSError, match="helper") as added:
        masker.add(SECRET)
    for error in (followed.value, added.value):
        assert [place for place, text in texts_of(error) if "example-token" in text] == []


def test_values_that_share_a_form():
    """A form of two values is masked until both are taken back."""
    masker = Masker()
    masker.add(f"{SECRET}\n", name="with a newline")
    masker.add(SECRET, name="without")
    assert masker.names(SECRET.encode()) == ["with a newline", "without"]
    masker.remove(SECRET)
    assert masker.mask(SECRET) == "[masked]"
    masker.remove(f"{SECRET}\n")
    assert masker.mask(SECRET) == SECRET
