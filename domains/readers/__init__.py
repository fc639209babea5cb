"""One front door for data: `open_data` takes whatever holds them, and says what it took it for."""

from grouplearn.domains.readers.front import open_data
from grouplearn.domains.readers.opened import Opened

__all__ = ["Opened", "open_data"]
