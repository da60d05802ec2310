"""D³-Talker (arXiv 2508.14449): a head from seconds of video, what all faces do and what this one does kept apart."""
