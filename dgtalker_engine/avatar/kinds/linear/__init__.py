"""Kind `linear`: a cloud, blendshapes with correctives, and joints."""
