"""Listening: the address that is served, taken before anything else and announced at the end."""

import socket


def bound(host: str, port: int) -> socket.socket:
    """A socket that has the address.

    Raises:
        SystemExit: the address can't be had; left alone it ends the process with a sentence.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit it. Without, the kernel holds back an answer's second part for 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise SystemExit(f"Memspan can't listen at {host}, port {port}: {error.strerror}.") from None
    return listening


def announce(listening: socket.socket) -> None:
    """Say where the dashboard is, for people and for programs that asked for port 0."""
    host, port = listening.getsockname()[:2]
    # Nothing is bound here: where all addresses are, the one of this machine is shown.
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104
    print(f"Memspan serves at http://{shown}:{port}/results", flush=True)
