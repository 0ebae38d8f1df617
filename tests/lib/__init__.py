"""What the tests outside Rust share: brokers to start, a raw client, virtual environments, results. Standard library only."""
