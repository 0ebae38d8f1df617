#!/usr/bin/env bash
# What `make perf` runs: Ringwood beside Apache Kafka on this machine and disk.
exec python3 "$(dirname "$0")/first-figures.py" "$@"
