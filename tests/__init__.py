"""Tests outside cargo; see tests/README.md."""
