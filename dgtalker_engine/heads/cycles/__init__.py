"""Pictures of the sculpted heads, rendered with Cycles."""
