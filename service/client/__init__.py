"""The client: what ``memspan run``, ``memspan study`` and ``memspan.connect`` say to a service over HTTP."""
