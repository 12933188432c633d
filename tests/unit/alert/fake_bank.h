/* fake_bank.h: what a detector of fake_bank.c was made for. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct detector;

int64_t fake_interval(const struct detector *d);
size_t fake_watched(const struct detector *d);
