"""A corrected word in a transcript that somebody may have typed. No Blender."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from dgtalker_engine.performance import directed_lines, stage_directions

_LETTERS = re.compile(r"[^\W_](?:.*[^\W_])?")


def respelled(transcript: str, words: Sequence[str], index: int, text: str) -> str:
    """A transcript with one word exchanged.

    Args:
        transcript: the words with their punctuation and stage directions; empty where nobody has typed any.
        words: that were found in the sound.
        index: of the one that is wrong.
        text: what is said instead: any number of words.

    Returns:
        `transcript` with that word exchanged, or, where it does not stand there as it was found, the words with its
        stage directions.
    """
    tokens: list[str] = []
    spoken: list[str] = []
    for piece, is_direction in stage_directions.pieces(transcript):
        parts = [piece] if is_direction else piece.split()
        tokens += parts
        spoken += parts if is_direction else [_letters(part).lower() for part in parts]
    matcher = difflib.SequenceMatcher(None, spoken, [word.lower() for word in words], autojunk=False)
    for first, begin, size in matcher.get_matching_blocks():
        if begin <= index < begin + size:
            place = first + index - begin
            token = tokens[place]
            tokens[place] = token.replace(_letters(token), text) if text else ""
            return " ".join(filter(None, tokens))
    exchanged = [*words[:index], text, *words[index + 1 :]]
    at = directed_lines.matched(stage_directions.tokens(transcript), [word.lower() for word in words])
    for direction in reversed(stage_directions.read(transcript)):
        exchanged.insert(at[direction.word], direction.text)
    return " ".join(filter(None, exchanged))


def _letters(token: str) -> str:
    """A token without the punctuation around it."""
    found = _LETTERS.search(token)
    return found[0] if found else token
