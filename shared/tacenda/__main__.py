"""`python -m tacenda`: the command, where the console script is not on PATH."""

import sys

from tacenda.cli import main

sys.exit(main())
