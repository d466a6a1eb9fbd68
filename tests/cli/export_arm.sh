# The exported sources on a Cortex-M4: compiled, measured, and run on an emulated board.
for tool in arm-none-eabi-gcc arm-none-eabi-size qemu-system-arm python3; do
    command -v $tool >/dev/null || { echo "skipped: $tool is not installed (gcc-arm-none-eabi, qemu-system-arm)"; exit 77; }
done
mkdir data && python3 "$source/tests/support/make_stripes.py" data
export BANTAM_CACHE=$PWD/cache
cat > m.yaml <<'EOM'
input_size: [8, 8]
input_channel: 3
depth_multiple: 1.0
width_multiple: 1.0
backbone:
- [1, Conv, [8, 3, 1]]
- [1, InvertedResidualv3, [3, 2, 8, 1, 0, 1]]
- [1, BasicBlock, [8]]
- [1, DWConv, [8, 3, 2, null, ReLU6]]
- [1, GlobalAvgPool, []]
- [1, Flatten, []]
- [1, Linear, [2]]
EOM
"$bantam" train m.yaml --data data --size 8 --epochs 3 --batch 16 --val 25% --threads 2 --out out -q >/dev/null
target="-std=c99 -Wall -Wextra -Werror -Os -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16"
for dtype in f32 int8; do
    calibrate=; [ $dtype = f32 ] || calibrate="--calibrate data:100"
    # shellcheck disable=SC2086
    "$bantam" export c out -o $dtype --dtype $dtype $calibrate --json >$dtype.json
    # The vectors of the self-test, without its stdio.
    { if [ $dtype = int8 ]; then echo "#define LOGIT int8_t"; echo "#define NEAR 0"
      else echo "#define LOGIT float"; echo "#define NEAR 1e-4f"; fi
      echo "#define N_TESTS 8"; sed -n '/test_image\[8\]/,/^int main/p' $dtype/model.c | sed '$d'; } >$dtype/vectors.h
    # shellcheck disable=SC2086
    arm-none-eabi-gcc $target -fstack-usage -c $dtype/model.c -o $dtype.o
    # shellcheck disable=SC2086
    arm-none-eabi-gcc $target -I$dtype -c "$source/tests/support/cortex-m4/board.c" -o board.o
    # shellcheck disable=SC2086
    arm-none-eabi-gcc $target -nostdlib -T "$source/tests/support/cortex-m4/board.ld" board.o $dtype.o -lgcc -o $dtype.elf
    arm-none-eabi-size $dtype.o | tail -n 1 >$dtype.size
    python3 - $dtype <<'PY'
import glob, json, sys
dtype = sys.argv[1]
said = json.load(open(dtype + ".json"))
text, data, bss = map(int, open(dtype + ".size").read().split()[:3])
assert abs(text + data - said["flash_bytes"]) <= 2048, (text + data, said)
assert data == 0 and bss == said["arena_bytes"], (bss, said)
stack = [line.split("\t") for line in open(dtype + ".su")]
assert all(kind.strip() == "static" for _, _, kind in stack), stack
# Calls go five deep at most: classify, run, a kernel, an inner loop or mean, rescale.
deepest = sum(sorted((int(n) for _, n, _ in stack), reverse=True)[:5])
assert deepest <= said["stack_bytes"], stack
print(dtype, "flash", text + data, "stated", said["flash_bytes"], "stack", deepest, "at most")
PY
    timeout 60 qemu-system-arm -M mps2-an386 -nographic -icount shift=0 -semihosting -kernel $dtype.elf </dev/null >$dtype.out 2>&1
    cat $dtype.out
    grep -q "^logits equal, [1-9][0-9]* instructions" $dtype.out
done
