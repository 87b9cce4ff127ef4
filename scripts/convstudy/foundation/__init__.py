"""What everything stands on: errors for the user, files that appear whole, digests of content."""
