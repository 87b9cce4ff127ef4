"""Tables, pictures and the page that people read."""
