"""Closes, reopens and redirects descriptors in the way its argument says, as daemons do."""

# ruff: noqa: T201 - it prints

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
import threading
import time

from masked import SECRET, start

from tacenda.errors import SecretLeak
from tacenda.masking import registry
from tacenda.masking._output._install import _State, install, status, uninstall

SECOND = "example-second-5822"


def refused() -> str:
    """Return why a second value is not handed out."""
    try:
        registry().add(SECOND, "second")
    except SecretLeak as error:
        return str(error).replace("\n", " ")
    return "handed out"


def reused_by_sockets() -> None:
    start()
    os.closerange(3, 256)
    pairs = [socket.socketpair() for _ in range(8)]
    print(refused(), status().descriptors.active)
    for sockets in pairs:
        for end in sockets:
            end.setblocking(False)
            try:
                print("a foreign socket got", len(end.recv(100)), "bytes")
            except BlockingIOError:
                continue
    uninstall()
    for one, other in pairs:  # they still are open
        one.send(b"x")
        assert other.recv(2) == b"x"
    print("still open", SECRET)


def reused_by_files() -> None:
    start()
    os.closerange(3, 256)
    files = [open(os.path.join(sys.argv[2], str(number)), "w+b") for number in range(16)]
    print(refused(), flush=True)
    time.sleep(0.2)
    os.kill(_State.installation.descriptors._redirection.process, signal.SIGKILL)
    time.sleep(0.1)
    refused()
    uninstall()
    sys.stdout = open(os.devnull, "w")  # its helper is dead
    for file in files:
        file.write(b"mine")
        file.close()


def installed_again() -> None:
    """The way out that the message names."""
    start()
    os.closerange(3, 256)
    uninstall()
    install()
    print(refused(), SECRET, SECOND)


def closed_first() -> None:
    """A value that was read while nothing was open is masked when something is."""
    keep = [os.dup(number) for number in (1, 2)]
    os.closerange(0, 3)
    start()
    for number in (1, 2):
        os.dup2(keep[number - 1], number)
    registry().add(SECOND, "second")
    os.write(1, f"out {SECRET} {SECOND}\n".encode())
    os.write(2, f"err {SECRET} {SECOND}\n".encode())
    registry().remove(SECRET)
    os.write(1, f"out {SECRET} {SECOND}\n".encode())


def redirected() -> None:
    """Standard descriptors are led to a log file after the first value; the next value, or `install()`, covers it."""
    start()
    keep = os.dup(1)
    log = os.open(sys.argv[2], os.O_CREAT | os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    before = status().descriptors
    if sys.argv[3] == "add":
        registry().add(SECOND, "second")
    else:
        install()
        registry().add(SECOND, "second")
    os.write(1, f"log {SECRET} {SECOND}\n".encode())
    os.system(f"echo child {SECRET} {SECOND} >&2")
    os.write(keep, f"{before.active} {before.why_not}\n{status().descriptors.active} {SECRET} {SECOND}\n".encode())


def there_and_back() -> None:
    """As a test's capture does: again and again to a file and back."""
    start()
    keep = os.dup(1)
    for number in range(20):
        log = os.open(os.path.join(sys.argv[2], str(number)), os.O_CREAT | os.O_WRONLY)
        os.dup2(log, 1)
        os.close(log)
        registry().add(f"{SECOND}-{number}", "many")
        os.write(1, f"{number} {SECOND}-{number}\n".encode())
        os.dup2(keep, 1)
        registry().add(f"{SECOND}-{number}-again", "many")
    helper = _State.installation.descriptors._redirection.process
    time.sleep(0.2)
    print("back", SECRET, SECOND + "-7", "descriptors", len(os.listdir(f"/proc/{helper}/fd")) < 40)


def own_file() -> None:
    """A file of the program's own gets number 1, which was closed."""
    if sys.argv[3] == "closes":
        os.close(1)
    with open(sys.argv[2], "w+b") as file:
        assert file.fileno() == 1
        start()
        file.write(SECRET.encode())
        if sys.stdout:
            print(" and print", SECRET, flush=True)
            file.seek(0, os.SEEK_END)
        file.flush()
        print("err", SECRET, file=sys.stderr)


def many_children() -> None:
    """More children at once than the helper has descriptors."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))
    start()
    go, told = os.pipe()
    children = []
    for number in range(60):
        if not (pid := os.fork()):
            os.close(told)
            registry().add(f"{SECOND}-{number}", "many")
            os.read(go, 1)  # until all are there
            os._exit(0)
        children.append(pid)
    time.sleep(0.5)
    os.close(told)
    print("failed", sum(os.waitpid(child, 0)[1] != 0 for child in children))


def removed() -> None:
    """What was written before a value is removed is masked, and what is written after it is not."""
    start()
    for number in range(300):
        registry().add(f"{SECOND}-{number}", "many")
        os.write(1, f"{SECOND}-{number}\n".encode() * 20)
        registry().remove(f"{SECOND}-{number}")
    os.write(1, f"{SECOND}-0 {SECRET}\n".encode())


def busy() -> None:
    """A helper that is stopped for a while is not taken for dead."""
    start()
    helper = _State.installation.descriptors._redirection.process
    registry().add(SECOND, "second")
    os.kill(helper, signal.SIGSTOP)
    registry().remove(SECOND)
    print(status().descriptors.active)
    os.kill(helper, signal.SIGCONT)
    print(refused(), SECRET, SECOND)


def two_threads() -> None:
    registry().add(SECRET, "api-keys")
    together = threading.Barrier(8)

    def work() -> None:
        together.wait()
        install()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("installed", SECRET, flush=True)
    sys.stdin.read()


def no_descriptors() -> None:
    """The helper cannot be started: there are too many open files."""
    install()
    opened = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    try:
        while True:
            opened.append(os.dup(0))
    except OSError:
        pass
    for number in opened[-int(sys.argv[2]) :]:
        os.close(number)
    print(refused())


def not_a_file_name() -> None:
    """The helper cannot be started for a reason that is no OSError."""
    install()
    sys.executable += "\0"
    try:
        registry().add(SECOND, "second")
    except SecretLeak as error:
        frames, frame = [], error.__traceback__
        while frame:
            frames += [repr(local) for name, local in frame.tb_frame.f_locals.items() if name != "error"]
            frame = frame.tb_next
        print(str(error).replace("\n", " "), error.__cause__, error.__context__)
        print("frames", [text for text in frames if SECOND in text])


if __name__ == "__main__":
    globals()[sys.argv[1]]()
