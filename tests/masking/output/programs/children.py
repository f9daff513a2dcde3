"""Children of every kind that read secrets of their own."""

# ruff: noqa: T201 - it prints

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import subprocess
import sys
import threading
import warnings

from masked import SECRET, start

from tacenda.masking import registry
from tacenda.masking._output._install import _State
from tacenda.masking._output._wire import ADD

SECOND = "example-second-5822"


def register_and_tell() -> None:
    registry().add(SECOND, "second")
    print("child", SECRET, SECOND, flush=True)


def forked() -> None:
    if not (pid := os.fork()):
        register_and_tell()
        os._exit(0)
    os.waitpid(pid, 0)
    print("parent", SECRET, SECOND)


def forked_removes() -> None:
    if not (pid := os.fork()):
        registry().remove(SECRET)
        register_and_tell()
        registry().remove(SECOND)
        print(SECOND, flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
    print("parent", SECRET)


def forked_while_asking() -> None:
    """The parent and two children ask at the same time, thousands of times; each must get its own answers."""
    helper = _State.installation.descriptors._redirection.channel
    children = []
    for _ in range(2):
        if not (pid := os.fork()):
            os._exit(not all(helper.request(ADD, b"short") is False for _ in range(1000)))
        children.append(pid)
    own = all(helper.request(ADD, SECOND.encode()) is True for _ in range(1000))
    print(own, *(os.waitpid(pid, 0)[1] for pid in children))


def forked_before() -> None:
    """Armed, but without a value yet: the child starts a helper of its own, and so does the parent."""
    from tacenda.masking._output._install import install

    install()
    if not (pid := os.fork()):
        register_and_tell()
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(pid, 0)
    registry().add(SECRET, "first")
    print("parent", SECRET)


def forked_while_registering() -> None:
    """Forks hit other threads in the middle of a registration; no child may hang on what it inherited."""
    warnings.simplefilter("ignore", DeprecationWarning)  # from Python 3.12 on: of a fork while there are threads
    stop = threading.Event()

    def register(worker: int) -> None:
        for number in range(10**6):
            if stop.is_set():
                return
            registry().add(f"example-{worker}-{number:08}", "many")

    threads = [threading.Thread(target=register, args=(worker,)) for worker in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        if not (pid := os.fork()):
            register_and_tell()
            os._exit(0)
        os.waitpid(pid, 0)
    stop.set()
    for thread in threads:
        thread.join()
    print("parent", SECRET)


def pool() -> None:
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as workers:
        for future in [workers.submit(register_and_tell) for _ in range(8)]:
            future.result()


def nested() -> None:
    """A child that uses tacenda itself: it knows its own secret only, its parent the other one."""
    code = f"from tacenda.masking._output._install import install; from tacenda.masking import registry; install(); \
registry().add({SECOND!r}, 'second'); print('child', {SECRET!r}, {SECOND!r})"
    subprocess.run([sys.executable, "-c", code], check=True)


def daemon() -> None:
    """Leaves its terminal as daemons do, and reads a secret after that."""
    if os.fork():
        os._exit(0)
    os.setsid()
    told_to_go_on = os.dup(0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.read(told_to_go_on, 1)
    registry().add(SECOND, "second")
    with open(sys.argv[2], "w") as file:
        file.write("registered")


def waits_for_all_children() -> None:
    """The helper is no child of the process: a loop over all children ends."""
    subprocess.Popen(["true"])
    try:
        while True:
            os.wait()
    except ChildProcessError:
        print("no child is left")


def threads() -> None:
    def work(worker: int) -> None:
        for number in range(25):
            value = f"example-{worker}-{number:08}"
            registry().add(value, value)
            os.write(1, f"{worker} {value}\n".encode())

    running = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


if __name__ == "__main__":
    if sys.argv[1] != "forked_before":
        start()
    globals()[sys.argv[1]]()
