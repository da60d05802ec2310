"""The models that move a face by sound, and how they are trained: `python build.py train speech`.

The sound encoder is trained (`train`) on voices (`dataset`); the lip and expression encoders are fitted to tracked
clips in closed form (`lip_training`, `expression_training`).
"""
