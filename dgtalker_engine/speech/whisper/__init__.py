"""Whisper tiny.en, run here on PyTorch: what lips hear, and words.

Radford et al., "Robust speech recognition via large-scale weak supervision" (2022), section 2.2. Its weights and its
tokens come with the engine's packages, in the files that CTranslate2 reads; CTranslate2 itself is not used.
"""
