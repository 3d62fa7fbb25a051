"""Studies: many runs over paired seeds, put into one table with intervals."""
