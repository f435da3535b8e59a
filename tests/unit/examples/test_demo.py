"""What the demonstration says of its dashboard."""

from examples.demo import dashboard


def test_a_service_that_stays_is_named_by_its_address() -> None:
    assert dashboard("/results/exp-1", "http://127.0.0.1:4242") == "Dashboard: http://127.0.0.1:4242/results/exp-1"


def test_a_service_that_has_ended_is_named_by_the_command_that_serves_its_results_again() -> None:
    said = dashboard("/results/exp-3", None)
    assert said == "Dashboard: MEMSPAN_HOME=out/demo make serve, and look at http://127.0.0.1:8000/results/exp-3"
