"""Whether a data set is what it says: every image looked at, and what is wrong with it told."""

from microcalc.inspection.job import inspect_data
from microcalc.inspection.records import FAULTS, Count, Fault, InspectedImage, Inspection

__all__ = ["FAULTS", "Count", "Fault", "InspectedImage", "Inspection", "inspect_data"]
