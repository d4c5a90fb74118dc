"""Raw data, append-only, exactly once: every row with its file, position, arrival and load."""
