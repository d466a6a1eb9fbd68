# How a search ends: at a time of day, after more time was given, by a closed terminal.
. "$source/tests/support/small_data.sh"
small_data small 1000 300
search() { "$program" search small --max-params 8k --seed 1 "$@"; }
now() { date +%s; }

# +T adds to what the study has used; --until is a time of day.
search --budget 8s --out run >/dev/null 2>log
before=$(sqlite3 run/study.db "select count(*) from trials")
status=0; search --budget 5s --out run >/dev/null 2>err || status=$?
[ $status = 2 ] || { echo "less time than was used: exit $status"; cat err; exit 1; }
grep -q "has already used" err
began=$(now)
search --budget +8s --out run >/dev/null 2>log
took=$(($(now) - began))
[ $took -le 20 ] || { echo "+8s took ${took}s"; exit 1; }
[ "$(sqlite3 run/study.db "select count(*) from trials")" -gt "$before" ] || { echo "+8s: no new trial"; cat log; exit 1; }
# the next minute that is at least 20 s away; at most 80 s
at=$((($(now) + 20) / 60 * 60 + 60))
search --until "$(date -d @$at +%H:%M)" --out until >/dev/null 2>log
late=$(($(now) - at))
[ $late -ge -8 ] && [ $late -le 15 ] || { echo "--until ended ${late}s after the time"; cat log; exit 1; }
[ -e until/summary.md ] && [ -e until/models/best/weights.safetensors ]

# A terminal that is closed ends it as Ctrl-C does: with a front.
"$program" search small --max-params 8k --budget 5m --out hup >/dev/null 2>log & pid=$!
for i in $(seq 600); do
    [ "$(sqlite3 hup/study.db "select count(*) from trials where state = 'COMPLETE'" 2>/dev/null || echo 0)" -ge 1 ] && break
    sleep 0.1
done
kill -HUP $pid
status=0; wait $pid || status=$?
[ $status = 0 ] || { echo "SIGHUP: exit $status"; cat log; exit 1; }
[ -e hup/models/best/weights.safetensors ]
# ... unless it was told not to mind
(trap '' HUP; exec "$program" search small --max-params 8k --budget 5m --out nohup >/dev/null 2>log) & pid=$!
for i in $(seq 600); do [ -e nohup/study.db ] && break; sleep 0.1; done
kill -HUP $pid; sleep 1
kill -0 $pid || { echo "SIGHUP ended a search under nohup"; exit 1; }
kill -TERM $pid; wait $pid || true
