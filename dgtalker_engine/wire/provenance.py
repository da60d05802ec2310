"""The mark of synthetic media that every picture carries: an XMP packet with IPTC's digital source type.

Here because both sides write pictures: the engine's command line, and Blender. Standard library only.
"""

from __future__ import annotations

import importlib.metadata
import tomllib
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

KEYWORD = "XML:com.adobe.xmp"
"""Under which PNG files keep their XMP packet."""

DIGEST_KEYWORD = "DGTalker Frame"
"""Under which PNG files keep the digest of what their picture depends on: other programs' files have none."""

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"

_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
<xmp:CreatorTool>{tool}</xmp:CreatorTool>
<Iptc4xmpExt:DigitalSourceType>{source_type}</Iptc4xmpExt:DigitalSourceType>
<dc:source>{sources}</dc:source>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


def xmp(avatars: Sequence[str]) -> str:
    """The packet for a picture of these avatars, given by content hash."""
    sources = escape(" ".join(f"urn:dgtalker:avatar:{avatar}" for avatar in avatars))
    return _PACKET.format(tool=escape(f"DGTalker {version()}"), source_type=SOURCE_TYPE, sources=sources)


def version() -> str:
    """Of the installed wheel; in a checkout that is not installed, of the extension's manifest beside the package."""
    try:
        return importlib.metadata.version("dgtalker-engine")
    except importlib.metadata.PackageNotFoundError:
        manifest = Path(__file__).resolve().parents[2] / "blender_addon" / "blender_manifest.toml"
        return tomllib.loads(manifest.read_text(encoding="utf-8"))["version"]
