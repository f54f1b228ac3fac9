"""What reading costs here: our shards against the same samples in other forms, on the user's own disk."""
