# `bantam` alone fits one screen; versions, help and typos answer as people expect.
"$bantam" >overview
[ "$(wc -l <overview)" -le 24 ]
grep -q "bantam search" overview
"$bantam" --version | grep -Eq '^bantam [0-9]+\.[0-9]+\.[0-9]+$'
"$bantam" --help | grep -q "search"
if "$bantam" serach 2>err; then exit 1; else [ $? -eq 2 ]; fi
grep -q "did you mean search" err
if "$bantam" search x --bugdet 5m 2>err; then exit 1; else [ $? -eq 2 ]; fi
grep -q "did you mean --budget" err
if "$bantam" search x --budget 5x 2>err; then exit 1; else [ $? -eq 2 ]; fi
[ "$(wc -l <err)" -eq 1 ]
if "$bantam" search "$PWD/nowhere" --budget 45s 2>err; then exit 1; else [ $? -eq 1 ]; fi
[ "$(wc -l <err)" -eq 1 ]
for verb in search front status train eval predict model data augment space doctor bench worker; do
    "$bantam" $verb --help | grep -q "usage: bantam $verb"
done
"$bantam" doctor --json | grep -q '"isa"'
ONEDNN_MAX_CPU_ISA=SSE41 "$bantam" doctor --json | grep -q '"isa": *"portable' # a cap of oneDNN holds for the whole engine
ONEDNN_MAX_CPU_ISA=sse41 "$bantam" doctor --json | grep -q '"isa": *"portable' # which reads it in any case
