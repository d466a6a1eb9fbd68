/* SPDX-License-Identifier: Apache-2.0
 *
 * A space that the images or the training cannot use is refused before the first trial.
 */
#include "space_text.h"

#include "search/suits.h"

/* The answer for head + tail + `body` and 32x32 colour images of `classes` classes. */
static bt_status fit(const char *body, int size, int classes, bt_error *err)
{
    bti_str text = {0};
    bti_point p;
    bti_run run = {.size = size, .channels = 3, .classes = classes};
    bti_str_addf(&text, "%s%s%s", SPACE_HEAD, SPACE_TAIL, body);
    bti_space *s = space_of(bti_str_c(&text));
    bti_space_default(s, &p);
    bt_status rc = bti_space_suits(s, &run, &p, err);
    bti_space_free(s);
    bti_str_release(&text);
    return rc;
}

static void refused(const char *body, int size, int classes, const char *says)
{
    bt_error err = {0};
    assert_int_equal(fit(body, size, classes, &err), BT_INVAL);
    if (!strstr(err.text, says))
        fail_msg("%s\ninstead of: ... %s ...", err.text, says);
}

static void every_choice_and_end_must_be_a_recipe_value(void **state)
{
    (void)state;
    bt_error err = {0};
    assert_ok(fit("train:\n  epochs: {int: [5, 9]}\n  batch_size: {choice: [64, 128]}\n"
                  "  optimizer: {choice: [SGD, Adam, AdamW]}\n  decay: {choice: [all, weights]}\n"
                  "  clip: {float: [0, 5, 1]}\n  ema: {choice: [0, 0.999]}\n  beta2: 0.99\n"
                  "  class_weights: {choice: [none, balanced]}\n"
                  "  schedule: {onecycle: {pct_start: {float: [0.1, 0.3, 0.1]}}}\n",
                  32, 10, &err),
              &err);
    refused("train: {optimizer: {choice: [SGD, Adma]}}\n", 32, 10,
            "train.optimizer: unknown optimizer 'adma'");
    refused("train: {clip: {float: [-1, 5, 1]}}\n", 32, 10, "train.clip: '-1.0'");
    refused("train: {decay: {choice: [all, some]}}\n", 32, 10, "'some' is neither all nor weights");
}

static void the_networks_take_the_images_and_name_their_classes(void **state)
{
    (void)state;
    refused("", 28, 10, "take 32x32 images, these are 28x28");
    refused("", 32, 7, "have 10 outputs, the data has 7 classes");
    refused("train: {img_size: {choice: [32, 48]}}\n", 32, 10, "decodes its images once");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_choice_and_end_must_be_a_recipe_value),
        cmocka_unit_test(the_networks_take_the_images_and_name_their_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
