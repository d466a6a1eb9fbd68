# SPDX-License-Identifier: Apache-2.0
# A policy search on real CIFAR-10 images: the budget is kept, there is a policy, and the verification says what it is worth.
archive=$shared/data/cifar10-jpeg.tar.xz
[ -f "$archive" ] || { echo "skipped: ../shared/data/cifar10-jpeg.tar.xz is not there"; exit 77; }
python=$(command -v /usr/bin/python3 || command -v python3) || { echo "skipped: python3 unpacks the images"; exit 77; }
program=${BANTAM_RELEASE:-$source/build/release/bantam}
[ -x "$program" ] || program=$bantam
"$python" - "$archive" <<'PY'
import os, sys, tarfile
seen = {}
with tarfile.open(sys.argv[1]) as tar:
    for m in tar:
        parts = m.name.split("/")[-3:]
        n = seen[tuple(parts[:-1])] = seen.get(tuple(parts[:-1]), 0) + 1
        if m.isfile() and len(parts) == 3 and n <= (200 if parts[0] == "train" else 20):
            os.makedirs("/".join(["cifar"] + parts[:2]), exist_ok=True)
            with open("/".join(["cifar"] + parts), "wb") as f:
                f.write(tar.extractfile(m).read())
PY
export BANTAM_CACHE=$PWD/cache
model=$source/examples/models/nano5k.yaml
"$program" data info cifar >/dev/null
begin=$(date +%s)
"$program" policy search cifar --model "$model" --val 300 --epochs 2 --folds 2 --budget 15s --verify 0 --out p.yaml >text
took=$(($(date +%s) - begin))
[ $took -le 20 ] || { echo "a budget of 15 s took $took s"; exit 1; }
[ "$(sqlite3 p.db "select count(*) from trials where state = 'COMPLETE'")" -ge 2 ]
"$program" policy verify cifar --model "$model" --val 300 --epochs 1 --policy p.yaml --seeds 1 --quiet >table
grep -q '^| no policy | .* %' table
grep -q '^| RandAugment n=[12], m=[0-9]* (best of 4) ' table
grep -q '^| TrivialAugment ' table
grep -q '^Recommended: ' table
"$program" train "$model" --data cifar --epochs 1 --augment p.yaml --quiet >/dev/null
