"""Fills stdout, which nobody reads, from one thread; registers and writes to stderr from another."""

from __future__ import annotations

import os
import threading
import time

from masked import start

from tacenda.masking import registry

start()
writer = threading.Thread(target=os.write, args=(1, b"unread " * 200_000))
writer.start()
time.sleep(0.2)
registry().add("example-second-5822", "second")
os.write(2, b"registered example-second-5822\ndone\n")
writer.join()
