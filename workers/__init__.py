"""Workers: claim runs and probes, train and measure them, hand in what comes out. All kinds share one loop."""
