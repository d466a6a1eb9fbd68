# `make install` below DESTDIR: the promised files, a program that runs from there, a library that links.
build=$(dirname "$bantam")
[ -f "$build/cmake_install.cmake" ] || { echo "$bantam is not in a build folder: skipped"; exit 77; }
DESTDIR=$PWD/root cmake --install "$build" --prefix /usr >log
for f in bin/bantam share/bantam/examples/models/small45k.yaml share/bantam/examples/spaces/brief.yaml share/bantam/examples/recipes/brief.yaml \
    share/bash-completion/completions/bantam share/zsh/vendor-completions/_bantam \
    share/fish/vendor_completions.d/bantam.fish share/doc/bantam/copyright share/doc/bantam/guide.md share/bantam/tools/torch_models.py include/bantam/bantam.h; do
    [ -s "root/usr/$f" ] || { echo "usr/$f is missing"; exit 1; }
done
if command -v scdoc >/dev/null; then
    for verb in $(sed -n 's/^VERB(\([a-z0-9_]*\),.*/\1/p' "$source/src/cli/verbs.def"); do
        [ -s "root/usr/share/man/man1/bantam-$verb.1" ] || { echo "bantam-$verb(1) is missing"; exit 1; }
    done
    [ -s root/usr/share/man/man1/bantam.1 ]
fi
[ "$(find root -type f ! -path 'root/usr/*' | wc -l)" -eq 0 ]
# what is shipped is found wherever the program stands
mkdir elsewhere
cd elsewhere
../root/usr/bin/bantam space info brief >/dev/null
../root/usr/bin/bantam model info ../root/usr/share/bantam/examples/models/small45k.yaml >/dev/null
cd ..
# a program of someone else, by pkg-config alone
PKG_CONFIG_PATH=$(dirname "$(find "$PWD/root" -name bantam.pc)")
export PKG_CONFIG_PATH
cat >one.c <<'C'
#include <bantam/bantam.h>
#include <stdio.h>
/* Whatever a program may call: every part of the library has to find what it stands on. */
int main(int argc, char **argv)
{
    bt_error err = {0};
    char *json = NULL;
    if (argc > 1 && bt_search(&json, NULL, &err))
        return 1;
    if (argc > 1 && bt_export_onnx(&json, NULL, &err))
        return 1;
    return argv[0] == NULL || puts(bt_engine_name()) < 0;
}
C
sanitize=$(sed -n 's/^BANTAM_SANITIZE:[A-Z]*=//p' "$build/CMakeCache.txt")
# shellcheck disable=SC2046
cc -Wall -Werror one.c ${sanitize:+-fsanitize=$sanitize} $(pkg-config --cflags --libs bantam) -o one
./one >/dev/null
