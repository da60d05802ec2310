"""What decides how the face model is learned."""

from __future__ import annotations

from dataclasses import dataclass

from ...training import Config, setting


@dataclass(frozen=True, kw_only=True)
class FaceModelConfig(Config):
    """The mesh's size, what identity's components must explain, and the heads that the figures are of."""

    skin_vertices: int = setting(5500, "of face, head, neck, mouth cavity and eye sockets, both sides", least=500)
    gum_vertices: int = setting(640, "of gums and tongue, both sides", least=100)
    teeth_vertices: int = setting(1000, "of all teeth", least=200)
    eye_segments: int = setting(24, "vertices around an eyeball's axis", least=8)
    evenness: float = setting(0.04, "how much even triangles count beside what collapsing an edge costs", least=0.0)
    identity_components: int = setting(60, "principal components of identity", least=1, most=100)
    hidden_weight: float = setting(0.1, "of what lies inside mouth and sockets, beside the face's 1", least=0.0)
    back_weight: float = setting(0.3, "of scalp and neck, likewise", least=0.0)
    unseen_samples: int = setting(100, "sampled heads for the figures", least=1)
    seed: int = setting(1, "of these heads", least=0)
    looked_at: int = setting(24, "painted heads on which MediaPipe's landmarks are measured", least=2)
    views: int = setting(14, "pictures of each of them", least=2)
