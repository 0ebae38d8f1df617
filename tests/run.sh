#!/usr/bin/env bash
# Every test outside cargo, against target/release/ringwood: tests/run.sh [STEP...]   (tests/run.sh --help)
exec python3 "$(dirname "$0")/run.py" "$@"
