"""Workers: claim runs and probes, train and measure them, hand in what comes out. Celery and local ones share a loop."""
