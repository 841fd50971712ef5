"""Where the breast is: polarity, mask, side, nipple, pectoral muscle, and the frame of every detector.

mammogram = mend_polarity(read_mammogram(path))
breast = find_breast(mammogram)
frame = Frame.around(breast, mammogram.spacing_mm, working_spacing_mm=0.1)
"""

from microcalc.breast.anatomy import Breast
from microcalc.breast.find import find_breast
from microcalc.breast.frame import Frame
from microcalc.breast.polarity import mend_polarity

__all__ = ["Breast", "Frame", "find_breast", "mend_polarity"]
