"""From a source to a batch, in rooms in the order in which data flow."""
