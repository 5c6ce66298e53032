"""Test stores: whose name the synthetic object bears, where it is looked for, and how it is cleared away again.

Shared by every probe that stores: each test object stands in the ledger before it is sent, and until it is gone.
"""
