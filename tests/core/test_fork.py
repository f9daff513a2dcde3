"""After a fork the child has clients, threads and locks of its own, whatever the parent was doing."""

from __future__ import annotations

FORK = """
import os, threading, time, warnings
import tacenda
from shelf_backend import SHELVES
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of what this shows to work
shelf = SHELVES["main"]
shelf.put("x", "example-1")
shelf.put("y", "example-2")
store = tacenda.open_store(
    config={"stacks": {"test": {"secrets": {"provider": "shelf", "shelf": "main"}, "deadline": 0}}}
)

def in_child(check):
    pid = os.fork()
    if pid == 0:
        os._exit(0 if check() else 3)
    for _ in range(1000):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return "hangs"
"""


def test_child_reads_while_the_parent_holds_a_read(python):
    """A thread of the parent is in the middle of the same read when it forks: the child does not wait for it."""
    code = """
begun, go = threading.Event(), threading.Event()
shelf.before = lambda action, path: (begun.set(), go.wait(20))
thread = threading.Thread(target=store.get, args=("x",))
thread.start()
begun.wait(10)
shelf.before = lambda action, path: None
print(in_child(lambda: store.get("x") == "example-1"))
go.set()
thread.join()
print(store.get("x") == "example-1")
"""
    assert python(FORK + code) == "0\nTrue\n"


def test_child_reads_in_threads_of_its_own(python):
    """The parent's thread pool does not exist in the child; `get_many` works there."""
    code = """
store.get_many(["x", "y"])
print(in_child(lambda: len(store.get_many(["x", "y"], fresh=True)) == 2))
"""
    assert python(FORK + code) == "0\n"


def test_every_lock_is_fresh_in_the_child(python):
    """Locks that the parent's threads held do not stop the child: cache, places, masking, process-wide store."""
    code = """
from tacenda import _chain, _process
from tacenda.masking import registry
locks = [store._resolver._documents._lock, store._resolver.chain._lock, store._threads._lock, registry()._lock,
         _process._LOCK]
for lock in locks:
    lock.acquire()
slots = [_chain._slots.acquire() for _ in range(16)]
os.environ["EXAMPLE"] = "example-3"
def check():
    return (store.get("x"), len(store.get_many(["x", "y"])), store.get("rack://z", default=None),
            tacenda.get("EXAMPLE")) == ("example-1", 2, None, "example-3")
print(in_child(check))
"""
    assert python(FORK + code) == "0\n"


def test_child_has_fresh_clients(python):
    """Providers are told to forget clients and logins, also those that only a reference opened."""
    code = """
SHELVES["rack"].put("z", "example-3")
store.get("x"), store.get("rack://z")
print(in_child(lambda: (SHELVES["main"].resets, SHELVES["rack"].resets) == (1, 1)))
print(SHELVES["main"].resets)
"""
    assert python(FORK + code) == "0\n0\n"


def test_child_keeps_what_was_read(python):
    """What is in memory already costs the child no call."""
    code = """
store.get("x")
print(in_child(lambda: store.get("x") == "example-1" and len(shelf.calls) == 1))
"""
    assert python(FORK + code) == "0\n"


def test_multiprocessing_fork(python):
    """Workers of a fork pool read side by side."""
    code = """
import multiprocessing
def work(name):
    return store.get(name, fresh=True) == shelf.documents[name][-1]
store.get_many(["x", "y"])
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(work, ["x", "y", "x", "y"]))
"""
    assert python(FORK + code) == "[True, True, True, True]\n"
