"""Shots to pictures: a frame, a sequence, the pipeline between them, and the files that pictures are written to."""
