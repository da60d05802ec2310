"""The Speaker-specific Motion Translator of GaussianTalker (section 3.2, equations 1 to 8): sound to a person's motion.

`speech.hearing` has what the encoder is given and the positives of the contrast, `model` the networks, `losses` the
equations, `train` the training over all clips, `adapt` that to one speaker, `manner` the files.
"""
