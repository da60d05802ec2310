"""The Speaker-specific Motion Translator of GaussianTalker (section 3.2, equations 1 to 8): sound to a person's motion.

`timbre` makes the positives of the contrast, `hearing` what the encoder is given, `model` the networks, `losses` the
equations, `train` the training over all clips, `adapt` that to one speaker, `weights` the files.
"""
