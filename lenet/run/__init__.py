"""What happens around session.run: a run from its flags to its records."""
