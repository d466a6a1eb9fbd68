# `bantam predict`: the answers of eval, the numbers of PyTorch, and a clear line for what is no image.
python=$(command -v /usr/bin/python3 || command -v python3) || { echo "skipped: python3 writes the data"; exit 77; }
# Noisy stripes as PNG files, grey and colour, 10x6, 6x10 and 8x8 pixels: padded and shrunk to 8x8 for the model.
"$python" - <<'PY'
import os, random, struct, zlib
random.seed(0)
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
def png(path, w, h, channels, pixel):
    rows = b"".join(b"\0" + bytes(pixel(r, c) for c in range(w) for _ in range(channels)) for r in range(h))
    head = struct.pack(">IIBBBBB", w, h, 8, channels - 1, 0, 0, 0)
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
for split, n in (("train", 120), ("test", 40)):
    for k, name in enumerate(("across", "down")):
        os.makedirs(f"data/{split}/{name}")
        for i in range(n):
            w, h = ((10, 6), (6, 10), (8, 8))[i % 3]
            png(f"data/{split}/{name}/{i:03}.png", w, h, 3 if i % 4 else 1,
                lambda r, c: (100 if (r, c)[k] // 2 % 2 else 70) + random.randrange(90))
PY
cat > m.yaml <<'EOM'
input_size: [8, 8]
input_channel: 3
depth_multiple: 1.0
width_multiple: 1.0
backbone:
- [1, Conv, [8, 3, 2]]
- [1, InvertedResidualv3, [3, 2, 8, 1, 1, 1]]
- [1, GlobalAvgPool, []]
- [1, Flatten, []]
- [1, Linear, [2]]
EOM
export BANTAM_CACHE=$PWD/cache
"$bantam" train m.yaml --data data --size 8 --epochs 25 --batch 16 --val 25% --threads 2 --out out -q >/dev/null

# Every test image gets the class that eval counts: the same number of each class is right.
"$bantam" eval out --data data --split test --json >eval.json
"$bantam" predict out data/test/*/*.png --top 2 --json >predict.json
"$python" - <<'PY'
import json
rows, e = json.load(open("predict.json")), json.load(open("eval.json"))
assert len(rows) == e["n"] == 80
for c in e["per_class"]:
    mine = [r for r in rows if r["path"].split("/")[2] == c["class"]]
    right = sum(r["top"][0]["class"] == c["class"] for r in mine)
    assert right == round(c["recall"] * c["n"]) and len(mine) == c["n"], (right, c)
for r in rows:
    assert abs(sum(t["p"] for t in r["top"]) - 1) < 1e-9 and r["top"][0]["p"] >= r["top"][1]["p"], r
assert e["accuracy"] > 0.7, e["accuracy"]
PY
one=data/test/down/000.png
"$bantam" predict out $one | grep -Eq "^$one: (across|down) [0-9.]+ %, (across|down) [0-9.]+ %$"
"$bantam" predict out $one --top 1 | grep -Evq ","

# One unreadable file: one line, exit 1, the others are done.
echo "no image" >bad.png
for json in "" --json; do
    status=0; "$bantam" predict out bad.png $one $json >good 2>err || status=$?
    [ $status = 1 ]; [ "$(wc -l <err)" = 1 ]; grep -q "bad.png" err; grep -q "$one" good
done

# Mistakes.
usage() { status=0; "$@" >/dev/null 2>err || status=$?; [ $status = 2 ]; }
usage "$bantam" predict out
usage "$bantam" predict out --input x.npy
usage "$bantam" predict out $one --train-mode
usage "$bantam" predict out $one --input x.npy --logits y.npy
wrong() { status=0; "$bantam" predict out --input "$1" --logits y.npy 2>err || status=$?; [ $status = 1 ]; [ "$(wc -l <err)" = 1 ]; grep -q "$2" err; [ ! -e y.npy ]; }
wrong nowhere.npy nowhere
wrong bad.png "no .npy file"

"$python" -c "import numpy" 2>/dev/null || { echo "no numpy: arrays were not compared"; exit 0; }
"$python" - <<'PY'
import json, numpy as np
rng = np.random.default_rng(1)
raw = rng.integers(0, 256, (70, 8, 8, 3), dtype=np.uint8) # more than one batch
meta = json.loads((d := open("out/weights.safetensors", "rb").read())[8:8 + int.from_bytes(d[:8], "little")])["__metadata__"]
mean, std = (np.array(json.loads(meta[k])) for k in ("mean", "std"))
np.save("raw.npy", raw)
np.save("x.npy", ((raw / 255 - mean) / std).transpose(0, 3, 1, 2).astype("float32"))
np.save("fortran.npy", np.asfortranarray(np.load("x.npy")))
np.save("double.npy", np.load("x.npy").astype("float64"))
np.save("wide.npy", np.zeros((2, 3, 8, 9), "float32"))
open("cut.npy", "wb").write(open("x.npy", "rb").read()[:-4])
PY
wrong fortran.npy "Fortran order"
wrong double.npy float32
wrong wide.npy "(n,3,8,8)"
wrong cut.npy length
"$bantam" predict out --input x.npy --logits x-out.npy
"$bantam" predict out --input raw.npy --logits raw-out.npy
"$bantam" predict out --input x.npy --logits train-out.npy --train-mode
"$python" - <<'PY'
import numpy as np
x, raw, train = (np.load(f"{k}-out.npy") for k in ("x", "raw", "train"))
assert x.shape == (70, 2) and x.dtype == np.float32
assert abs(x - raw).max() <= 1e-4 * abs(x).max() and abs(x - train).max() > 1e-3 * abs(x).max()
PY

"$python" -c "import torch, yaml" 2>/dev/null || { echo "no PyTorch: logits were not compared"; exit 0; }
"$python" "$source/examples/load_in_pytorch.py" out x.npy >torch.json
"$python" - "$source" <<'PY'
import json, sys, numpy as np
sys.path.insert(0, sys.argv[1] + "/tools")
import torch, torch_models
def close(mine, theirs):
    assert mine.shape == theirs.shape and abs(mine - theirs).max() <= 1e-4 * abs(theirs).max(), abs(mine - theirs).max()
close(np.load("x-out.npy"), np.array(json.load(open("torch.json"))))
d = open("out/weights.safetensors", "rb").read()
n = 8 + int.from_bytes(d[:8], "little")
head = json.loads(d[8:n])
model = torch_models.build(head.pop("__metadata__")["model_yaml"]).train()
assert set(head) == {k for k, _ in torch_models.tensors(model)}
model.load_state_dict({k: torch.tensor(np.frombuffer(d[n:], "<f4", t["data_offsets"][1] // 4 - t["data_offsets"][0] // 4,
                       t["data_offsets"][0]).reshape(t["shape"])) for k, t in head.items()}, strict=False)
close(np.load("train-out.npy"), model(torch.from_numpy(np.load("x.npy"))).detach().numpy())
PY
[ "$(wc -l <"$source/examples/load_in_pytorch.py")" -le 20 ]
