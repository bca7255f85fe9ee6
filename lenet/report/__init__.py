"""A run's records as one page that shows what it learned and reads your handwriting."""
