"""The papers that travel with a consignment: its pack list and its delivery note, as PDF."""

from .printing import delivery_note, pack_list

__all__ = ["delivery_note", "pack_list"]
