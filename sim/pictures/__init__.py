"""Pictures: what they show as data, and what draws them; the same data gives the same bytes."""
