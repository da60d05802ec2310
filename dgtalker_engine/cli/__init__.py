"""The command line, and the doctor."""
