"""Sounds of any language as the recogniser's phones whose mouth is most alike."""

from __future__ import annotations

import re
import unicodedata

from ...speech.recognition.recogniser import SILENCE

# What the lips do decides: front rounded vowels are UW and UH, a uvular R is like HH, clicks like T.
_PHONES = {
    "tʃ": "CH", "tɕ": "CH", "ts": "T S", "dʒ": "JH", "dʑ": "JH", "dz": "D Z", "pf": "P F",
    "aɪ": "AY", "ai": "AY", "aʊ": "AW", "au": "AW", "eɪ": "EY", "ei": "EY", "oʊ": "OW", "əʊ": "OW", "ou": "OW",
    "ɔɪ": "OY", "ɔø": "OY", "ɔʏ": "OY", "oi": "OY", "ɪə": "IH AH", "eə": "EH AH", "ʊə": "UH AH", "ja": "Y AA",
    "i": "IY", "y": "UW", "ɨ": "IH", "ᵻ": "IH", "ʉ": "UW", "ɯ": "IH", "u": "UW", "ɪ": "IH", "ʏ": "UH", "ʊ": "UH",
    "e": "EH", "ø": "UH", "ɘ": "AH", "ɵ": "UH", "ɤ": "AH", "o": "AO", "ə": "AH", "ɚ": "ER", "ɝ": "ER", "ɜ": "ER",
    "ɛ": "EH", "œ": "UH", "ɐ": "AH", "ʌ": "AH", "ɔ": "AO", "æ": "AE", "a": "AA", "ɶ": "AA", "ɑ": "AA", "ɒ": "AO",
    "p": "P", "b": "B", "m": "M", "ɱ": "M", "f": "F", "v": "V", "ʋ": "V", "ɸ": "F", "β": "V", "w": "W", "ʍ": "W",
    "ɥ": "W", "t": "T", "d": "D", "ʈ": "T", "ɖ": "D", "n": "N", "ɳ": "N", "ɲ": "N", "ŋ": "NG", "ɴ": "NG",
    "s": "S", "z": "Z", "ʂ": "SH", "ʐ": "ZH", "ʃ": "SH", "ʒ": "ZH", "ɕ": "SH", "ʑ": "ZH", "θ": "TH", "ð": "DH",
    "ç": "HH", "ʝ": "Y", "j": "Y", "x": "HH", "ɣ": "G", "χ": "HH", "ʁ": "HH", "h": "HH", "ɦ": "HH", "ħ": "HH",
    "ʕ": "HH", "ʔ": "SIL", "k": "K", "g": "G", "ɡ": "G", "c": "K", "ɟ": "G", "q": "K", "ɢ": "G", "l": "L", "ɫ": "L",
    "ɭ": "L", "ʎ": "L", "ɬ": "L", "ɮ": "L", "r": "D", "ɾ": "D", "ɽ": "D", "ʀ": "HH", "ɹ": "R", "ɻ": "R", "ɺ": "L",
}  # fmt: skip
_CEDILLA = "\u0327"
_LONGEST = max(map(len, _PHONES))


def arpabet(sound: str) -> list[str]:
    """Phones of one sound in IPA, ``SIL`` for none; signs that change no lips, such as stress, are passed over."""
    # Combining marks but the cedilla of ç, stress, length, tones and modifiers say nothing about lips.
    apart = unicodedata.normalize("NFD", sound)
    plain = "".join(sign for sign in apart if sign == _CEDILLA or not unicodedata.combining(sign))
    letters = re.sub(r"[^a-zæçðøħŋœɐ-ʒʔʕʍʑβθχᵻɸ]", "", unicodedata.normalize("NFC", plain))
    phones: list[str] = []
    while letters:
        for length in range(min(_LONGEST, len(letters)), 0, -1):
            if letters[:length] in _PHONES:
                phones += _PHONES[letters[:length]].split()
                break
        letters = letters[length:]
    return phones or [SILENCE]
