#!/usr/bin/env bash
# What people type into kcat, against a broker that is already running. Needs kcat 1.7 (Debian, Ubuntu: apt install kcat).
. "$(dirname "$0")/_common.sh"
command -v kcat > /dev/null || die "kcat is not installed"
check_broker
start_results
t=kcat-$(date +%s)-$$
k() { timeout 40 kcat -b "$ADDR" "$@"; }
same() { [ "$1" = "$2" ] || { printf 'got:      %s\nexpected: %s\n' "$1" "$2"; return 1; }; }
lines() { k -C -q -e "$@" < /dev/null; }

# check NAME FUNCTION: runs the function, keeps its output in the log
check() {
  case $1 in *$SUITE_FILTER*) ;; *) return ;; esac
  "$PYTHON" "$HERE/skips.py" "$1" && return        # skips.txt names it: counted as skipped in the end
  echo "$1" >> "$PLANNED"
  local status=pass; { echo "-- $1"; "$2"; } >> "$LOG" 2>&1 || status=fail
  echo "$status $1" >> "$RESULTS"
}

metadata() { k -L -J | "$PYTHON" -c 'import json,sys; d=json.load(sys.stdin); assert d["brokers"] and "controllerid" in d, d'; }
auto_create() { echo first | k -P -t $t-auto -X topic.metadata.propagation.max.ms=20000 && same "$(lines -t $t-auto)" first; }
roundtrip() {
  seq 1 1000 | k -P -t $t-rt-$codec -p 0 -z $codec && same "$(lines -t $t-rt-$codec -p 0 -o beginning | md5sum)" "$(seq 1 1000 | md5sum)"
}
keys_headers_null() {
  printf 'k1:v1\nk2:\n:v3\n' | k -P -t $t-kh -p 0 -K: -Z -H a=1 -H b=two || return 1
  same "$(lines -t $t-kh -p 0 -Z -f '%k|%s|%h|%o\n')" "$(printf 'k1|v1|a=1,b=two|0\nk2|NULL|a=1,b=two|1\nNULL|v3|a=1,b=two|2')"
}
offsets() {
  seq 0 99 | k -P -t $t-off -p 0 || return 1
  same "$(lines -t $t-off -p 0 -o 95 | tr '\n' ' ')" "95 96 97 98 99 " &&
    same "$(lines -t $t-off -p 0 -o -3 | tr '\n' ' ')" "97 98 99 " &&
    same "$(lines -t $t-off -p 0 -o beginning -c 2 | tr '\n' ' ')" "0 1 " && same "$(lines -t $t-off -p 0 -o end)" ""
}
timestamps() {
  echo old | k -P -t $t-ts -p 0 || return 1; sleep 1; local mark; mark=$(date +%s%3N); sleep 1
  echo new | k -P -t $t-ts -p 0 || return 1
  same "$(lines -t $t-ts -p 0 -o s@$mark)" new && same "$(lines -t $t-ts -p 0 -o s@0 -o e@$mark)" old &&
    same "$(k -Q -t $t-ts:0:$mark | sed 's/.*offset //')" 1
}
timestamp_is_now() { local n; n=$(echo x | k -P -t $t-now -p 0 && lines -t $t-now -p 0 -f '%T'); [ $(( $(date +%s%3N) - n )) -lt 60000 ]; }
acks() { for a in 0 1 all; do echo $a | k -P -t $t-acks -p 0 -X acks=$a || return 1; done; same "$(lines -t $t-acks -p 0 | tr '\n' ' ')" "0 1 all "; }
idempotent() { seq 1 5000 | k -P -t $t-idem -p 0 -X enable.idempotence=true && same "$(lines -t $t-idem -p 0 | md5sum)" "$(seq 1 5000 | md5sum)"; }
transaction() {
  seq 1 100 | k -P -t $t-tx -p 0 -X transactional.id=$t || return 1
  same "$(lines -t $t-tx -p 0 -X isolation.level=read_committed | wc -l)" 100
}
group() {
  seq 1 200 | k -P -t $t-g-$proto || return 1
  timeout 60 kcat -b "$ADDR" -q -e -G g-$t-$proto -X auto.offset.reset=earliest "$@" $t-g-$proto > "$WORK/kcat.group" < /dev/null || return 1
  same "$(sort -n "$WORK/kcat.group" | md5sum)" "$(seq 1 200 | md5sum)" || return 1
  echo 201 | k -P -t $t-g-$proto || return 1
  same "$(timeout 60 kcat -b "$ADDR" -q -c 1 -G g-$t-$proto -X auto.offset.reset=earliest "$@" $t-g-$proto < /dev/null)" 201
}
partitions() {
  for p in 0 1; do echo p$p | k -P -t $t-p -p $p || return 1; done
  same "$(lines -t $t-p -f '%p %s\n' | sort | tr '\n' ' ')" "0 p0 1 p1 "
}
big_message() {
  "$PYTHON" -c 'import random; print("".join(random.choices("abcdefgh", k=900000)))' > "$WORK/kcat.big"
  k -P -t $t-big -p 0 < "$WORK/kcat.big" && same "$(lines -t $t-big -p 0 | md5sum)" "$(md5sum < "$WORK/kcat.big")"
}
api_version_fallback() { echo x | k -P -t $t-old -p 0 -X api.version.request=true -X api.version.request.timeout.ms=5000 && same "$(lines -t $t-old -p 0)" x; }
unknown_partition() { ! echo x | k -P -t $t-rt-none -p 9999 -X message.timeout.ms=8000; }

# the topics come from auto-creation; the first request for each makes it
for x in rt-none rt-gzip rt-snappy rt-lz4 rt-zstd kh off ts now acks idem tx g-classic g-classic2 p big old; do
  k -L -t $t-$x > /dev/null 2>&1 &
done; wait; sleep 1
check metadata metadata
check auto_create auto_create
for codec in none gzip snappy lz4 zstd; do check "roundtrip_$codec" roundtrip; done
for c in keys_headers_null offsets timestamps timestamp_is_now acks idempotent transaction partitions big_message api_version_fallback unknown_partition; do
  check $c $c
done
proto=classic; check group_classic group
proto=classic2; cooperative() { group -X partition.assignment.strategy=cooperative-sticky; }; check group_cooperative cooperative
rm -f "$WORK/kcat.group" "$WORK/kcat.big"
finish
