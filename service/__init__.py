"""The service: HTTP, pages, operations, storage, bells, the command line and its client. It stands on the science."""
