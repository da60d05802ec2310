"""One connection to Blender: its requests, progress and cancel; and what the doctor finds."""
