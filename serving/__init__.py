"""What runs in a Bento: the service, and all that it alone needs."""

from components.environment import collect_seldom

collect_seldom()  # before the service imports its libraries
