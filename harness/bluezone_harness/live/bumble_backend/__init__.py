"""The genuine bleak over bumble: ``BleakScanner`` and ``BleakClient`` with virtual phones or any HCI controller.

bleak takes its backend as a class; a function makes that class for one device of bumble's. ``scanner`` and
``client`` say what users can rely on.
"""

from .client import client_backend
from .reports import HeardReport
from .scanner import scanner_backend

__all__ = ["HeardReport", "client_backend", "scanner_backend"]
