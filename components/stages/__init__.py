"""One thin module per DVC stage: parse the arguments, call one component."""

from __future__ import annotations

import sys
from collections.abc import Callable

from components.environment import collect_seldom, quiet
from components.errors import (
    EXIT_INTERRUPTED,
    EXIT_TRY_AGAIN,
    EXIT_USER_ERROR,
    TryAgainError,
    UserError,
    disk_sentence,
)


def run(main: Callable[..., None]) -> None:
    """Call `main` with the command line's arguments; turn the user's and the disk's errors into one."""
    quiet()
    collect_seldom()
    try:
        main(*sys.argv[1:])
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_USER_ERROR)
    except TryAgainError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_TRY_AGAIN)
    except FloatingPointError as error:  # a training diverges, by its settings or by its rows
        hint = "a smaller learning rate or weight may help; `training.not_finite: skip` leaves such steps out"
        print(f"error: {error}; {hint}", file=sys.stderr)
        sys.exit(EXIT_USER_ERROR)
    except KeyboardInterrupt as interruption:
        print(str(interruption) or "interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:
        sentence = disk_sentence(error)
        if sentence is None:
            raise
        print(f"error: {sentence}", file=sys.stderr)
        sys.exit(EXIT_USER_ERROR)
