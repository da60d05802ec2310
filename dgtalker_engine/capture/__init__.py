"""From a monocular video to what its face did."""
