"""Training of the models that move a face by sound: `python build.py train speech`."""
