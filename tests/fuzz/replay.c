/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a fuzz target over saved inputs without libFuzzer: replay FILE_OR_FOLDER ...
 */
#include "base/alloc.h"
#include "base/files.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static int n_run;

static bool run_file(const char *path)
{
    char *bytes;
    size_t n;
    bt_error err;
    if (bti_file_read(path, 1 << 26, &bytes, &n, &err)) {
        fprintf(stderr, "%s: %s\n", path, err.text);
        return false;
    }
    uint8_t *exact = bti_malloc(n); /* without the NUL that follows: one byte too many is seen */
    if (exact) {
        memcpy(exact, bytes, n);
        LLVMFuzzerTestOneInput(exact, n);
        n_run++;
    }
    bti_free(exact);
    bti_free(bytes);
    return exact != NULL;
}

static bool run_folder(const char *path)
{
    bti_names names;
    bt_error err;
    bool ok = true;
    if (bti_list_dir(path, &names, &err)) {
        fprintf(stderr, "%s: %s\n", path, err.text);
        return false;
    }
    for (size_t i = 0; i < names.n && ok; i++) {
        char *file = bti_path_join(path, names.name[i]);
        ok = file && run_file(file);
        bti_free(file);
    }
    bti_names_free(&names);
    return ok;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!(bti_is_dir(argv[i]) ? run_folder(argv[i]) : run_file(argv[i])))
            return 1;
    }
    printf("%d inputs\n", n_run);
    return n_run ? 0 : 1;
}
