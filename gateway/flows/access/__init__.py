"""Who is asking, what they may do, and giving and taking those rights."""
