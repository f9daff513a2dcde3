"""The `tacenda` command: get, set, update, ls, rm, run, mask and check.

Values come by prompt, standard input or file, never as arguments, which everybody on the machine can see.
Results go to standard output, messages to standard error.

Exit codes: 0 done; 1 error; 2 wrong usage; 3 missing; 4 denied; 5 throttled or unavailable; 130 interrupted;
`run` passes on its command's own code (126 not executable, 127 not found).
"""

from tacenda.cli._main import main

__all__ = ["main"]
