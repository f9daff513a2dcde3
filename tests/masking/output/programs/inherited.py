"""Programs that are started by a masked one, or masked by the environment alone, and read a secret of their own."""

# ruff: noqa: T201 - it prints

import multiprocessing
import subprocess
import sys

from tacenda import masking

VALUE = "example-of-the-child"


def reads() -> None:
    masking.registry().add(VALUE)
    print("child", VALUE)


def starts() -> None:
    masking.install()
    subprocess.run([sys.executable, __file__, "reads"], check=True)


def works(method: str) -> None:
    masking.install()
    worker = multiprocessing.get_context(method).Process(target=reads)
    worker.start()
    worker.join()


def hooks() -> None:
    masking.install()
    sys.excepthook = lambda kind, error, traceback: print("hook", *str(error), flush=True)  # letter by letter
    masking.registry().add(VALUE)
    raise RuntimeError(VALUE)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
