"""From a file to a :class:`~microcalc.mammogram.Mammogram`, for every encoding a mammogram comes in."""

from microcalc.imageio.read import read_mammogram
from microcalc.imageio.walk import Found, find_images

__all__ = ["Found", "find_images", "read_mammogram"]
