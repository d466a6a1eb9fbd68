/* SPDX-License-Identifier: Apache-2.0
 *
 * Images of bytes on stdin, the logits of exported sources on stdout, one after the other; built
 * beside model.h with -DLOGIT=float or int8_t.
 */
#include "model.h"

#include <stdio.h>

int main(void)
{
    static uint8_t image[MODEL_HEIGHT * MODEL_WIDTH * MODEL_CHANNELS];
    LOGIT logits[MODEL_CLASSES];
    while (fread(image, sizeof(image), 1, stdin) == 1) {
        model_run(image, logits);
        fwrite(logits, sizeof(logits), 1, stdout);
    }
    return 0;
}
