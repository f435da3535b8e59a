"""The client: what ``memspan run`` and ``memspan study`` say to a service over HTTP."""
