"""Lips that follow a voice while it is heard: the sound encoder with little future, and no recogniser.

`mouth.LiveMouth` takes samples in blocks of any size and gives weights; `reference` does the same slowly over a whole
sound. `sources` are where samples come from: a microphone, or a sound file at the pace of one.
"""
