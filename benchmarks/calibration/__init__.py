"""What `benchmarks.gate` asks of intervals and verdicts, a question a file: measure, table, goals."""
