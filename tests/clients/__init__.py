"""The client suites."""
