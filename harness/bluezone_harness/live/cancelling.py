"""Who cancelled: libraries raise ``CancelledError`` where nobody did, as bumble does when its controller is lost."""

from __future__ import annotations

import asyncio


def was_cancelled() -> bool:
    """Tell whether somebody wants the running task to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
