"""What every other part stands on, and what knows nothing of networks."""
