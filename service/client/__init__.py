"""The client: what ``memspan run`` says to a service over HTTP."""
