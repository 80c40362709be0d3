"""Speed and memory, as ratios of one run: ``make bench``.  docs/performance.md says what the rows mean."""
