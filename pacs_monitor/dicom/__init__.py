"""DICOM for asyncio: PDUs (PS3.8), associations, DIMSE messages (PS3.7), and services on them, one module each.

pynetdicom's classes encode what negotiates an association (requests.py), pydicom the few small data sets
(datasets.py). What a monitor gets in answer is read by pdu.py, negotiation.py and dimse.py, which are small, fast and
raise nothing but Malformed.
"""

from pacs_monitor.dicom.association import Association, Target, associate

__all__ = ["Association", "Target", "associate"]
