"""Untrusted files turned into images and labels: archives, pictures, pickles."""
