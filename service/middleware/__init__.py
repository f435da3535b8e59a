"""HTTP middleware: what every request and every answer passes through, whatever the service is about."""
