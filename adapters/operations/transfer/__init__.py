"""Documents into and out of repositories, as lines of Extended JSON."""

from .exporting import ExportReport, export_lines
from .importing import ImportReport, import_lines
from .progress import Step

__all__ = ["ExportReport", "ImportReport", "Step", "export_lines", "import_lines"]
