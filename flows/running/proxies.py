"""Proxies of the user's network: they are for what is elsewhere, never for servers of this machine."""

from __future__ import annotations

import importlib.util
import os

HERE = ("127.0.0.1", "localhost", "::1")
NAMES = ("http_proxy", "https_proxy", "all_proxy")
set_aside: dict[str, str] = {}  # variables that this process cannot do with, and its stages can


def spare_this_machine() -> None:
    """Ask servers of this machine without a proxy, in this process and in those that it starts."""
    known = ",".join(os.environ[name] for name in ("no_proxy", "NO_PROXY") if os.environ.get(name))
    hosts = [host.strip() for host in known.split(",") if host.strip()]
    value = ",".join(dict.fromkeys([*hosts, *HERE])) if "*" not in hosts else "*"
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = value


def set_socks_aside() -> None:
    """Take SOCKS proxies out of this process: Prefect's client fails at their sight without the package
    socksio, even where it is to use none."""
    if importlib.util.find_spec("socksio") is not None:
        return
    for name in [*NAMES, *map(str.upper, NAMES)]:
        if os.environ.get(name, "").startswith("socks"):
            set_aside[name] = os.environ.pop(name)
