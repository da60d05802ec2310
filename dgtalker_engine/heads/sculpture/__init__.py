"""The sculpted heads: surfaces, surfels on them, and the fields that move them. Millimetres."""
