"""``python -m newtonkit``."""

import sys

from newtonkit.cli import main

sys.exit(main())
