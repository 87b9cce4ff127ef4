"""What a result was made of, what is stale, and the cache of finished steps."""
