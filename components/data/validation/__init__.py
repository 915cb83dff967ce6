"""Great Expectations over every split, leaks between tasks, and the page of both."""
