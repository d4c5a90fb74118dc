"""The canonical tables: typed, deduplicated, late data included, the same whatever the source called things."""
