# Own images and no option but a budget: tiny and grey, large and unequal, odd sizes and very unequal.
[ -d "$shared/data" ] || { echo "skipped: ../shared/data is not there"; exit 77; }
[ -d /usr/share/datasets/fashion-mnist ] || { echo "skipped: dataset-fashion-mnist is not installed"; exit 77; }
python=$(command -v /usr/bin/python3 || command -v python3) || { echo "skipped: python3 makes the folders"; exit 77; }
"$python" -c "import PIL" 2>/dev/null || { echo "skipped: python3-pil makes the folders"; exit 77; }
program=${BANTAM_RELEASE:-$source/build/release/bantam}
[ -x "$program" ] || program=$bantam
budget=${OWN_IMAGES_BUDGET:-90s}
export BANTAM_CACHE=$PWD/cache

"$python" - "$shared/data" <<'PY'
import gzip, io, os, sys, tarfile, xml.etree.ElementTree as xml
from PIL import Image

def put(image, *parts):
    path = os.path.join(*parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    image.save(path, quality=90)

# tiny: two classes of Fashion-MNIST, 30 images each, in class folders without splits
def idx(name, skip):
    with gzip.open(f"/usr/share/datasets/fashion-mnist/train-{name}.gz") as f:
        return f.read()[skip:]
labels, pixels = idx("labels-idx1-ubyte", 8), idx("images-idx3-ubyte", 16)
for label, name in ((1, "trouser"), (9, "boot")):
    for i in [i for i in range(1000) if labels[i] == label][:30]:
        put(Image.frombytes("L", (28, 28), pixels[784 * i:784 * i + 784]), "tiny", name, f"{i:05}.png")

# large: seven classes of CIFAR-10 at 300x300, one of them ten times smaller
many = {"airplane": 400, "automobile": 400, "deer": 400, "frog": 400, "horse": 400, "ship": 400, "truck": 40}
with tarfile.open(sys.argv[1] + "/cifar10-jpeg.tar.xz") as tar:
    seen = {}
    for m in tar:
        parts = m.name.split("/")[-3:]
        if not m.isfile() or len(parts) < 3 or parts[1] not in many:
            continue
        split = parts[0]
        n = seen[split, parts[1]] = seen.get((split, parts[1]), 0) + 1
        if n <= (many[parts[1]] if split == "train" else 50):
            image = Image.open(io.BytesIO(tar.extractfile(m).read()))
            put(image.resize((300, 300), Image.BILINEAR), "large", *parts)

# cells: boxes of BCCD cut out, each in its own size; the images that are test give test crops
with tarfile.open(sys.argv[1] + "/bccd-voc.tar.xz") as tar:
    files = {m.name: tar.extractfile(m).read() for m in tar if m.isfile() and m.name.endswith((".xml", ".jpg"))}
for name, text in sorted(files.items()):
    if not name.endswith(".xml"):
        continue
    stem = os.path.basename(name)[:-4]
    whole = Image.open(io.BytesIO(files[f"BCCD/JPEGImages/{stem}.jpg"]))
    for k, o in enumerate(xml.fromstring(text).iter("object")):
        box = [int(o.find("bndbox/" + side).text) for side in ("xmin", "ymin", "xmax", "ymax")]
        box = [max(0, box[0] - 1), max(0, box[1] - 1), min(whole.width, box[2]), min(whole.height, box[3])]
        if box[2] - box[0] < 8 or box[3] - box[1] < 8:
            continue
        split = "test" if int(stem[-3:]) % 5 == 0 else "train"
        put(whole.crop(box), "cells", split, o.find("name").text, f"{stem}-{k}.jpg")
PY

for data in tiny large cells; do
    "$program" search "$data" --budget "$budget" --out "run-$data" >"$data.front" 2>"$data.log" || { cat "$data.log"; exit 1; }
    grep -E "^(resolution|space auto|no test|the largest class|a trial)" "$data.log" | sed "s/^/$data: /"
    grep -q "^resolution: .* pixels (.*)" "$data.log"
    [ -s "run-$data/space.yaml" ]
    models=$(($(wc -l <"run-$data/front.csv") - 1))
    [ "$models" -ge 3 ] || { echo "$data: $models models on the front"; cat "$data.front"; exit 1; }
    "$program" eval "run-$data/models/best" --data "$data" --split test --json --predictions "$data.csv" >"$data.json"
    "$python" - "$data" "$program" "$models" <<'PY'
import csv, json, subprocess, sys
data, program, models = sys.argv[1:]
score = json.load(open(f"{data}.json"))
rows = list(csv.DictReader(open(f"{data}.csv")))
chance = 1 / len(score["per_class"])
print(f"{data}: {models} models, balanced accuracy {score['balanced_accuracy']:.3f} of {len(rows)} test images, chance {chance:.3f}")
assert score["balanced_accuracy"] >= 1.5 * chance, score
right = sum(r["class"] == r["prediction"] for r in rows)
assert len(rows) == score["n"] and right == round(score["accuracy"] * score["n"]), (right, score)
out = subprocess.run([program, "predict", f"run-{data}/models/best", "--json", "--top", "1"] + [f"{data}/{r['path']}" for r in rows],
                     capture_output=True, text=True, check=True).stdout
for r, p in zip(rows, json.loads(out)):
    assert p["path"] == f"{data}/{r['path']}" and p["top"][0]["class"] == r["prediction"], (r, p)
PY
done
# what is unequal is said and weighed; what has no test split is said
grep -q "balanced accuracy decides" large.log
grep -q "balanced accuracy decides" cells.log
grep -q "class_weights: balanced" run-cells/space.yaml
grep -q "no test split in tiny: 12 of its 60 images" tiny.log
