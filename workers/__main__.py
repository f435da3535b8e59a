"""``python -m workers``: a local worker."""

import signal

from service.gc_pause import gc_paused

signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which then ends its children

with gc_paused():
    from workers.local import main

main()
