/* SPDX-License-Identifier: Apache-2.0
 *
 * libfyaml 0.7.12 loses the buffer of a long quoted scalar when the text ends in an error just
 * behind it (corpus/recipe/libfyaml-leak): 2 KB of its own, which we cannot free.
 */
#ifndef FUZZ_YAML_LEAK_H
#define FUZZ_YAML_LEAK_H

/* Asked by LeakSanitizer, if there is one. */
__attribute__((visibility("default"), used)) const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml.so";
}

#endif
