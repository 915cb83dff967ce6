"""What whoever serves says to a service, by variables of its environment."""

from __future__ import annotations

RELEASE = "ONETRUNK_RELEASE"  # the semantic version, which the bytes cannot know
TRAFFIC = "ONETRUNK_TRAFFIC"  # `traffic` of params.yaml as JSON; without it nothing is recorded
FEEDBACK = "ONETRUNK_FEEDBACK"  # `feedback` of params.yaml as JSON; without it none is kept
ROLLOUT = "ONETRUNK_ROLLOUT"  # the folder where `onetrunk serve` writes what is to be served
TOKEN = "ONETRUNK_TOKEN"  # noqa: S105 the token that callers send
TOKEN_FILE = "ONETRUNK_TOKEN_FILE"  # noqa: S105 a file with a token a line, so that one can follow another
HOSTS = "ONETRUNK_HOSTS"  # names that callers use for a service without a token, with commas between them
WORKERS = "ONETRUNK_WORKERS"  # how many workers, each with a model of its own
WORKERS_FOLDER = "ONETRUNK_WORKERS_FOLDER"  # where each has a file; left out, there is one worker
ALL = (RELEASE, TRAFFIC, FEEDBACK, ROLLOUT, TOKEN, TOKEN_FILE, HOSTS, WORKERS, WORKERS_FOLDER)
