"""What people do with releases: look at them, compare two, go back, promote, make one again, free disk."""
