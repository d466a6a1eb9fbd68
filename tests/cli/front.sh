# `bantam front` says what is wrong with what it was given, and nothing on stdout then.
fails() { # EXPECTED_STATUS TEXT_ON_STDERR ARGS...
    want=$1 text=$2
    shift 2
    got=0
    "$bantam" front "$@" >out.txt 2>err.txt || got=$?
    [ "$got" = "$want" ] || { echo "front $*: exit $got, expected $want"; cat err.txt; exit 1; }
    grep -q "$text" err.txt || { echo "front $*: no '$text' in:"; cat err.txt; exit 1; }
    [ ! -s out.txt ] || { echo "front $*: wrote to stdout"; exit 1; }
}
fails 1 "no study" .
fails 1 "no study" nowhere
fails 2 "exclude each other" . --csv --json
echo "this is a text of some length, not a database" >x.db
fails 1 "x.db" x.db
"$bantam" front --help | grep -q -- --svg
