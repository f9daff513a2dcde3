"""Real servers for tests: a free port, a wait until ready, and no server left behind, however the tests end.

The server is not our child but the child of a small watchdog, which holds the read end of a pipe whose write
end is ours. When we are gone, even by SIGKILL, the kernel closes the pipe and the watchdog ends the server.
That is portable, where Linux's PR_SET_PDEATHSIG is not, and does not fire when merely the thread that started
the server ends. A session of its own keeps a Ctrl-C in the terminal from the server while tests clean up.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence

__all__ = ["ServerFailed", "ServerProcess", "free_port"]

_WATCHDOG = """
import subprocess, sys, threading
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
def watch():
    sys.stdin.buffer.read()
    server.terminate()
    try:
        server.wait(5)
    except subprocess.TimeoutExpired:
        server.kill()
threading.Thread(target=watch, daemon=True).start()
sys.exit(server.wait())
"""
_STOP_TIMEOUT = 10.0


class ServerFailed(RuntimeError):
    """A test server did not start; the message ends with what it wrote."""


class ServerProcess:
    """One server process, started, awaited and stopped.

    Args:
        command: the program and its arguments.
        environment: the server's whole environment.
        ready: returns True once the server answers as ours; called until then.
        timeout: how long to wait for that, in seconds.

    Raises:
        ServerFailed: if it ends or does not get ready in time; with its output.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        ready: Callable[[], bool],
        *,
        timeout: float = 20.0,
    ) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _WATCHDOG, *command],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            self._await(ready, timeout, command[0])
        except BaseException:
            self.stop()
            raise

    def log(self) -> str:
        """Return what the server has written so far."""
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace")

    def stop(self) -> None:
        """End the server and wait for its end; a second call does nothing."""
        if self._log.closed:
            return
        if self._process.stdin:
            self._process.stdin.close()  # what the watchdog waits for
        self._process.wait(_STOP_TIMEOUT)
        self._log.close()

    def _await(self, ready: Callable[[], bool], timeout: float, program: str) -> None:
        deadline = time.monotonic() + timeout
        while self._process.poll() is None and time.monotonic() < deadline:
            if ready():
                return
            time.sleep(0.02)
        why = "ended at once" if self._process.poll() is not None else f"was not ready after {timeout:.0f} s"
        raise ServerFailed(f"{program} {why}:\n{self.log()[-2000:]}")


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now; somebody else may still be faster than the server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
