"""What a trace looks like, and a scenario whose generator draws work that looks like it."""
