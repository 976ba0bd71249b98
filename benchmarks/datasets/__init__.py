"""Generated input, the same for the floors and for our own code. Nothing here is random between two runs."""
