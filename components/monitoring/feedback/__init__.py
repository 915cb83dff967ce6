"""Right answers that callers send to a service: kept, looked at, and accepted as rows or rejected."""
