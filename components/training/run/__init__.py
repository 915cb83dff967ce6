"""A training from its first step to its last: loop, stopping, checkpoint, history."""
