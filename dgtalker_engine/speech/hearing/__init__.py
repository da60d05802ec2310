"""What networks that move a speaker's face are given of a sound, and the same words in other voices."""
