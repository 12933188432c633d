/* query_table.h: `netsonde query --table NAME`. Main thread. */
#pragma once

#include "daemon/commands.h"

/* The exit status. */
int query_table(const struct config *config, const struct options *options);
