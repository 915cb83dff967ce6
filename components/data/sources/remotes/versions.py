"""The version of what a remote holds."""

from typing import Any

Version = dict[str, Any]  # JSON of each kind of remote's own shape; it is kept, and compared as a whole
