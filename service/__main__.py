"""``python -m service`` is ``memspan``."""

from service.commands import main

main()
