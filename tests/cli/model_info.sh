# `bantam model info`: the table, the JSON, the exit codes, and errors with their place.
models=$source/examples/models

"$bantam" model info "$models/tiny20k.yaml" >table
grep -q 'InvertedResidualv2' table
grep -Eq '^ +total +21786 +5108544$' table
grep -q '21.8k parameters, 5.11M MACs' table

"$bantam" model info "$models/mobilenetv3-large.yaml" --json >json
grep -q '"params": 4214842' json
grep -q '"macs": 66459008' json
grep -q '"module": "GlobalAvgPool"' json

# The size of the images is the caller's choice; people write height x width x channels.
"$bantam" model info "$models/tiny20k.yaml" --input 28x20x1 --json >json
tr -d ' \n' <json | grep -q '"input":\[1,28,20\]'

# Errors: file, line, row; exit 1. Usage: exit 2.
cat >bad.yaml <<'END'
input_channel: 3
depth_multiple: 1.0
width_multiple: 1.0
backbone:
  - [1, Conv, [16, 3]]
  - [1, Conw, [16, 3]]
END
status=0
"$bantam" model info bad.yaml >out 2>err || status=$?
[ "$status" = 1 ]
grep -q 'bad.yaml:6: row 2 (Conw): unknown module, did you mean Conv' err
[ ! -s out ]
status=0
"$bantam" model info "$models/tiny20k.yaml" --input huge 2>err || status=$?
[ "$status" = 2 ]
status=0
"$bantam" model info missing.yaml 2>err || status=$?
[ "$status" = 1 ]
grep -q 'missing.yaml' err

# A part of a network has a cost too, with a warning; an unknown key is told.
sed -e '6s/.*/  - [1, MaxPool, [2]]/' -e '1s/^/epochs: 5\n/' bad.yaml >part.yaml
"$bantam" model info part.yaml --json >json 2>err
grep -q 'part.yaml:1: unknown key epochs' err
grep -q 'part of a network' err
