/* data_dir.h: the directory that everything of netsonde lies in. No state, any thread. */
#pragma once

#include "store/store.h"

/* Makes it (0700) and what is missing above it (0755); 0 when it is there. */
int data_dir_make(const char *path, struct store_error *err);
