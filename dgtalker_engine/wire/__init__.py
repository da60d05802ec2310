"""Frames and messages between Blender and the engine. Standard library only; both sides import this same code."""

from __future__ import annotations

from .arrays import Array, pack, unpack
from .channel import Channel
from .frames import MAX_BODY, MAX_HEADER, FrameReader, Head, Kind, WireError, send_frame
from .handshake import PROTOCOL, HandshakeError, new_token, shake_hands
from .moments import ShotCamera, ShotHead, ShotLens, ShotSubframe
from .passes import HeadLabel, PassInputs, ShotMist, ShotPass
from .sequence import FileFormat, SequenceRequest, display_places
from .shot import SHOT_VERSION, Shot, ShotFrame
from .signing import SigningCredential, SignRequest

__all__ = [
    "MAX_BODY",
    "MAX_HEADER",
    "PROTOCOL",
    "SHOT_VERSION",
    "Array",
    "Channel",
    "FileFormat",
    "FrameReader",
    "HandshakeError",
    "Head",
    "HeadLabel",
    "Kind",
    "PassInputs",
    "SequenceRequest",
    "Shot",
    "ShotCamera",
    "ShotFrame",
    "ShotHead",
    "ShotLens",
    "ShotMist",
    "ShotPass",
    "ShotSubframe",
    "SignRequest",
    "SigningCredential",
    "WireError",
    "display_places",
    "new_token",
    "pack",
    "send_frame",
    "shake_hands",
    "unpack",
]
