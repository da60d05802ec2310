"""What build.py does, room by room; standard library only, Python 3.10 or newer."""
