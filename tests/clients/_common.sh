# Sourced by the suite scripts. Sets HERE, NAME, ADDR, HOST, PORT, WORK, RESULTS and defines the helpers below.
# usage: NAME.sh HOST:PORT [WORKDIR]
# SUITE_SKIPS: the list of tests to leave out (default skips.txt beside this file; /dev/null runs everything).
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
NAME=$(basename "$0" .sh)
if [ $# -lt 1 ] || [ "${1#-}" != "$1" ]; then
  echo "usage: $NAME.sh HOST:PORT [WORKDIR]   (SUITE_FILTER=... runs a subset)" >&2; exit 2
fi
ADDR=$1 HOST=${1%:*} PORT=${1##*:}
mkdir -p "${2:-.suites}" || exit 2
WORK=$(cd "${2:-.suites}" && pwd)
RESULTS=$WORK/$NAME.results
PLANNED=$WORK/$NAME.planned
LOG=$WORK/$NAME.log
exec 9> "$WORK/$NAME.lock"
flock -n 9 || { echo "$NAME: already running in $WORK" >&2; exit 2; }
: "${SUITE_FILTER:=}" "${PYTHON:=python3}" "${SUITE_SKIPS:=$HERE/skips.txt}"
export SUITE_NAME=$NAME SUITE_SKIPS
export PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

die() { echo "$NAME: $*" >&2; exit 2; }

# Stops early, with a clear message, when nothing listens there.
check_broker() {
  "$PYTHON" - "$HOST" "$PORT" 2> /dev/null <<'P' || die "no broker answers at $ADDR"
import socket, sys
socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10).close()
P
}

# venv DIR REQUIREMENT...  makes $WORK/DIR once; made again when the requirements change.
venv() {
  local dir=$WORK/$1; shift
  if [ "$(cat "$dir/.requirements" 2>/dev/null)" != "$*" ]; then
    rm -rf "$dir"
    "$PYTHON" -m venv "$dir" && "$dir/bin/pip" install -q "$@" || die "cannot install: $*"
    echo "$*" > "$dir/.requirements"
  fi
}

# sdist PACKAGE VERSION DIR  unpacks the source distribution to $WORK/DIR once.
sdist() {
  local dir=$WORK/$3
  [ -e "$dir/.complete" ] && return
  rm -rf "$dir" "$WORK/sdist"; mkdir -p "$dir" "$WORK/sdist"
  "$PYTHON" -m pip download -q --no-deps --no-binary "$1" -d "$WORK/sdist" "$1==$2" || die "cannot download $1 $2"
  tar xzf "$WORK"/sdist/*.tar.gz -C "$dir" --strip-components=1 || die "cannot unpack $1 $2"
  rm -rf "$WORK/sdist"; touch "$dir/.complete"
}

# crate NAME VERSION DIR  unpacks the crate as published to $WORK/DIR once (through a throw-away cargo vendor).
crate() {
  local dir=$WORK/$3 tmp=$WORK/.vendor
  [ -e "$dir/.complete" ] && return
  rm -rf "$dir" "$tmp"; mkdir -p "$tmp/src"
  printf '[package]\nname="fetch"\nversion="0.0.0"\nedition="2021"\n[dependencies]\n%s = "=%s"\n[workspace]\n' "$1" "$2" > "$tmp/Cargo.toml"
  : > "$tmp/src/lib.rs"
  (cd "$tmp" && cargo vendor -q --versioned-dirs vendor > /dev/null) || die "cannot download crate $1 $2"
  mv "$tmp/vendor/$1-$2" "$dir" || die "crate $1 $2 is not there"
  rm -rf "$tmp" "$dir/.cargo-checksum.json"; touch "$dir/.complete"
}

start_results() { : > "$RESULTS"; : > "$PLANNED"; rm -f "${LOG%.log}"*.log; }

# At most SUITE_JOBS background jobs at a time (the tests mostly wait).
slot() { while [ "$(jobs -rp | wc -l)" -ge "${SUITE_JOBS:-3}" ]; do wait -n; done; }

# run_pytest PREFIX SECONDS PYTHON ARG...  appends to the results; a test that never reported counts as failed.
run_pytest() {
  local prefix=$1 limit=$2 py=$3; shift 3
  local LOG=${LOG%.log}-${prefix//\//-}.log
  echo "== $prefix" | tee "$LOG"
  local args=(); [ -n "$SUITE_FILTER" ] && args=(-k "$SUITE_FILTER")
  SUITE_PREFIX=$prefix SUITE_RESULTS=$RESULTS SUITE_PLANNED=$PLANNED PYTHONPATH="$HERE${PYTHONPATH:+:$PYTHONPATH}" \
    timeout -k 10 "$limit" "$py" -m pytest -p suite_results -p no:cacheprovider -q --tb=short --reruns 1 -rR \
    --timeout-method=signal "${args[@]}" "$@" >> "$LOG" 2>&1
  local rc=$?
  [ $rc = 124 ] && echo "$prefix: stopped after ${limit}s" | tee -a "$LOG"
  [ $rc -gt 1 ] && [ $rc != 5 ] && echo "$prefix: pytest ended with status $rc, see $LOG"
  grep -aE '^[0-9]+ (passed|failed|skipped|error|deselected).* in ' "$LOG" | tail -1 | sed "s#^#$prefix: #"
  return 0
}

# Fills in tests that were planned but never reported, prints counts and regressions, exits 0 or 1.
# finish [PASS...]: when passes are named, only their part of the expected list counts.
finish() {
  "$PYTHON" - "$RESULTS" "$PLANNED" "$HERE/$NAME.expected" "$SUITE_FILTER" "$LOG" "$HERE" "$@" <<'P'
import os, sys
results, planned, expected, filtered, log, here, *passes = sys.argv[1:]
sys.path.insert(0, here)
import skips
seen = {}
for line in open(results):
    status, _, test = line.rstrip("\n").partition(" ")
    if seen.get(test) != "fail":
        seen[test] = status
for line in open(planned):
    seen.setdefault(line.rstrip("\n"), "fail")
want = [l.strip() for l in open(expected) if l.strip() and l[0] != "#"] if os.path.exists(expected) else []
if passes:
    want = [t for t in want if t.partition("::")[0] in passes]
left_out = skips.load()
for test in [t for t in want if skips.reason(left_out, t) and (t in seen or not filtered)]:
    seen[test] = "skip"
want = [t for t in want if not skips.reason(left_out, t)]
with open(results, "w") as out:
    for test in sorted(seen):
        out.write(f"{seen[test]} {test}\n")
if filtered:
    want = [t for t in want if t in seen]
worse = [t for t in want if seen.get(t) != "pass"]
count = {s: sum(v == s for v in seen.values()) for s in ("pass", "fail", "skip")}
for t in sorted(t for t in seen if seen[t] == "fail" and t not in worse):
    print(f"failed, and not expected to pass: {t}")
for t in worse:
    print(f"REGRESSED: {t} ({seen.get(t, 'did not run')})")
if worse:
    print(f"{len(worse)} of {len(want)} expected tests did not pass; details in {log[:-4]}*.log")
elif not want:
    print("no test of the expected list ran")
print(f"{count['pass']} passed, {count['fail']} failed, {count['skip']} skipped")
sys.exit(1 if worse or not count["pass"] else 0)
P
  local rc=$?
  exit $rc
}
