# Going on from another study, and what is said when space or data changed under one.
. "$source/tests/support/small_data.sh"
small_data small 1000 300
search() { "$program" search small --epochs 1 --seed 1 "$@"; }
space() { # WIDEST [CHOICE]
    sed -e "s/WIDEST/$1/" -e "s/MORE/${2:-}/" >"space$1.yaml" <<'END'
format: search-space/1
name: two
blocks:
  - id: m1
    repeat: 1
    stride: 2
    module:
      Conv: {out: {int: [8, WIDEST, 8]}, kernel: {choice: [1, 3MORE]}}
  - id: m2
    repeat: {int: [1, 2]}
    stride: 2
    module:
      Conv: {out: {int: [8, WIDEST, 8]}, kernel: 3}
tail:
  - [1, GlobalAvgPool, []]
  - [1, Flatten, []]
  - [1, Linear, [$classes]]
END
}
space 32; space 48; space 16 ', 5'
search --space space32.yaml --trials 8 --out old >/dev/null 2>log

status=0; search --space space48.yaml --trials 9 --out old 2>err || status=$?
[ $status = 2 ]
grep -q -- "--space: the space has changed since this study began: m1.Conv.out was int 8..32 step 8 and is int 8..48 step 8 (and 1 more); go on with --from old and another --out" err

# A wider space takes the whole front, first and by number.
search --space space48.yaml --trials 12 --from old --out wide >/dev/null 2>log
front=$(sqlite3 wide/study.db "select count(*) from trial_user_attributes where key = 'from'")
[ "$front" -ge 1 ]
grep -q "^old: the $front models of its front are tried first, all fit whole" log
[ "$(sqlite3 wide/study.db "select group_concat(state) from (select state from trials where number < $front)" | tr ',' '\n' | sort -u)" = COMPLETE ]
[ "$(sqlite3 wide/study.db "select count(*) from trials where state = 'COMPLETE'")" = 12 ]
# ... with the same parameters
for i in $(seq 1 "$front"); do
    from=$(sqlite3 wide/study.db "select json_extract(value_json, '\$.trial') from trial_user_attributes where key = 'from' and trial_id = $i")
    [ "$(sqlite3 wide/study.db "select group_concat(param_name || '=' || param_value) from (select * from trial_params where trial_id = $i order by param_name)")" = \
        "$(sqlite3 old/study.db "select group_concat(param_name || '=' || param_value) from (select * from trial_params where trial_id = $from + 1 order by param_name)")" ]
done
# the same command again enqueues nothing twice
search --space space48.yaml --trials 13 --from old --out wide >/dev/null 2>log
[ "$(sqlite3 wide/study.db "select count(*) from trial_user_attributes where key = 'from'")" = "$front" ]

# A narrower one says what does not fit; choices in another order are still the same choices.
search --space space16.yaml --trials 12 --from wide/study.db --out narrow >/dev/null 2>log
grep -Eq "models of its front are tried first; [0-9]+ of them fit whole \(m[12].Conv.out = [0-9]+ of trial [0-9]+\), what does not is drawn anew" log

# Every trial carries the data's fingerprint; other images are noticed.
[ "$(sqlite3 old/study.db "select count(distinct value_json), count(*) from trial_user_attributes where key = 'data_key'")" = "1|8" ]
small_data small 900 300
status=0; search --trials 9 --out old 2>err || status=$?
[ $status = 1 ]
grep -Eq "the training images have changed since this study began: 1000 of 10 classes \(fingerprint [0-9a-f]{8}\) then, 900 of 10 \([0-9a-f]{8}\) now; go on with --from old" err
status=0; search --trials 9 --from nowhere --out new 2>err || status=$?
[ $status = 1 ]; grep -q nowhere err
