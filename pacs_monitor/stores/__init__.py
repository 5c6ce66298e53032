"""Test stores: the patient of the synthetic object, where the object is verified, and how it is cleaned up.

Shared by every probe that stores: each test object stands in the ledger before it is sent, and until it is gone.
"""
