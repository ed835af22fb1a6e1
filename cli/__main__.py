"""python -m cli: the same as the trueup command."""

import sys

from cli.main import run

sys.exit(run())
