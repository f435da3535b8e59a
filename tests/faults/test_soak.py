"""Two minutes of the soak, with a fixed seed; ``make soak`` takes half an hour and another seed each time."""

from __future__ import annotations

import pytest

from tests.soak.soak import soaked


@pytest.mark.long
@pytest.mark.timeout(1_500)
def test_after_two_minutes_of_random_faults_everything_ends_and_nothing_is_wrong() -> None:
    soaked(minutes=2, seed=1994)
