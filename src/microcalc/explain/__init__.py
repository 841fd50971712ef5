"""A second opinion on one spot, with its evidence: score, Grad-CAM of both sides, what stands out of a map."""
