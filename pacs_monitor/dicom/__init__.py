"""The DICOM upper layer as an asyncio client: PDUs (PS3.8), the association, DIMSE messages (PS3.7), services on it.

pynetdicom's PDU and DIMSE classes encode what we send (requests.py). What a monitor gets in answer is read by pdu.py
and dimse.py, which are small, fast and raise nothing but Malformed.
"""

from pacs_monitor.dicom.association import Association, Target, associate

__all__ = ["Association", "Target", "associate"]
