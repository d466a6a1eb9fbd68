# `bantam space info`: shipped spaces by name, files, exact sizes, JSON, exit codes and errors with their place.
"$bantam" space info brief >text
grep -Eq '^feasible +9[0-9]\.[0-9] %' text
grep -q '^size *2427797955362144248822400 (2.43e+24)$' text
grep -q 'm2.InvertedResidualv3.expand' text

"$bantam" space info "$source/examples/spaces/cifar7.yaml" --draws 50 --json >json
grep -q '"network_size": "37347961508900910815664"' json
grep -q '"continuous": true' json
grep -q '"draws": 50' json

# The course's spaces: assignments of the network alone, and of taco7 with its 1,404 training settings.
"$bantam" space info cifar7 --draws 20 >text
grep -q '^networks *37347961508900910815664 (3.73e+22)' text
"$bantam" space info taco7 --draws 20 >text
grep -q '^size *13727916485125472540626325538619392 (1.37e+34)$' text
grep -q '^networks *9777718294248912065973166338048 (9.78e+30)' text

# The same seed draws the same networks; the data's shape is the caller's.
"$bantam" space info fashion7 --size 28 --channels 1 --draws 200 --json >a
"$bantam" space info fashion7 --size 28 --channels 1 --draws 200 --json >b
"$bantam" space info fashion7 --size 28 --channels 3 --draws 200 --json >c
cmp a b
! cmp -s a c

# Errors: exit 1 with the place and the nearest word. Usage: exit 2.
status=0; "$bantam" space info brif 2>err || status=$?
[ $status = 1 ]
grep -q "did you mean 'brief'" err

printf 'format: search-space/1\nblocks:\n  - {id: a, module: {Cov: {out: 8, kernel: 3}}}\n' >bad.yaml
status=0; "$bantam" space info bad.yaml 2>err || status=$?
[ $status = 1 ]
grep -q "bad.yaml:3: unknown module 'Cov'; did you mean 'Conv'" err

status=0; "$bantam" space info 2>/dev/null || status=$?
[ $status = 2 ]
status=0; "$bantam" space inof x 2>err || status=$?
[ $status = 2 ]

# Spaces of policies hold no networks: their size is told, nothing is drawn, and a search of networks refuses them.
"$bantam" space info autoaugment >text
grep -q '^size *285184999433627773173760000000000 (2.85e+32)$' text
if grep -Eq 'feasible|networks|macs' text; then exit 1; fi
"$bantam" space info randaugment >text
grep -q '^size *100$' text
