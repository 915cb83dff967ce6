"""Files of kinds that are no texts, for the table: each function writes its file below a folder."""

from __future__ import annotations
