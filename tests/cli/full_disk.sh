# A search that runs out of disk ends with a sentence, keeps every finished trial, and goes on once there is room.
command -v sqlite3 >/dev/null || { echo "sqlite3 is not installed: skipped"; exit 77; }
program=${BANTAM_RELEASE:-$source/build/release/bantam}
[ -x "$program" ] || program=$bantam
for class in cat:s444.jpg dog:clear_lossless.webp; do
    dir=photos/${class%:*}
    mkdir -p "$dir"
    i=0
    while [ $i -lt 16 ]; do
        "$program" augment apply --op Rotate --value $((i * 20)) "$source/tests/golden/image/${class#*:}" "$dir/$i.png"
        i=$((i + 1))
    done
done
search() { "$program" search photos --epochs 1 --size 16 --max-params 20k --jobs 1 --threads 1 --seed 1 "$@"; }
ask() { sqlite3 "$1/study.db" "$2"; }
complete="select count(*) from trials where state = 'COMPLETE'"

# check DIR: the study is whole and the same command goes on. A trial that met the full disk thrice may have failed.
check() {
    [ "$(ask "$1" "pragma integrity_check")" = ok ]
    kept=$(ask "$1" "$complete")
    [ "$kept" -ge 1 ] || { echo "no trial was finished before the disk was full"; exit 1; }
    ask "$1" "select trial_id from trials where state = 'COMPLETE'" | sort >before
    search --trials $(($(ask "$1" "select count(*) from trials") + 1)) --out "$1" >/dev/null 2>>log
    [ "$(ask "$1" "$complete")" -gt "$kept" ]
    ask "$1" "select trial_id from trials where state = 'COMPLETE'" | sort >after
    [ "$(comm -23 before after | wc -l)" -eq 0 ]
    [ -z "$(find "$1" -name '*.tmp')" ]
    [ -e "$1/models/best/model.yaml" ]
}

# No file may grow beyond 1 MB (ulimit counts 512 bytes in sh): the study's log does after some trials.
status=0
(ulimit -f 2000; search --trials 200 --out limited >/dev/null 2>limited.err) || status=$?
[ "$status" -eq 1 ] || { echo "exit status $status"; cat limited.err; exit 1; }
tail -n 1 limited.err | grep -q '^bantam: '
check limited

# A real full disk, where the test may mount one.
mkdir disk
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=900k none disk 2>/dev/null; then
    trap 'umount "$PWD/disk"' EXIT
    status=0
    search --trials 200 --out disk/run >/dev/null 2>full.err || status=$?
    [ "$status" -eq 1 ]
    tail -n 1 full.err | grep -Eq '^bantam: .*(No space left|disk is full|disk full)' || { tail -n 3 full.err; exit 1; }
    cp -r disk/run moved # the way out that people take
    check moved
fi
