"""A corpus to look at: ``allbrains report`` writes it as a folder, ``allbrains serve`` on loopback.

A report is a page that never changes (``page/``, built from ``web/``) and data scripts beside it. Browsers
let a page that is opened from a disk load scripts, but neither fetch files nor load modules; so data comes
as scripts too, each with one call that hands over compressed bytes. The same files are written by
``folder`` and made on demand by ``server``.
"""

from allbrains.report.report_site import ReportSite, open_site

__all__ = ["ReportSite", "open_site"]
