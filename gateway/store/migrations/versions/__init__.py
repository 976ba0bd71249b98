"""Each file is a revision, named by its first four digits."""
