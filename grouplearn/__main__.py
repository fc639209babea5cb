"""`python -m grouplearn` is the command line."""

import sys

from grouplearn.cli import main

sys.exit(main())
