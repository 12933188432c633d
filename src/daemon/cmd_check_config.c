/* cmd_check_config.c: `netsonde check-config`: says every mistake, or that there is none. */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/commands.h"
#include "daemon/output.h"

int cmd_check_config(const struct options *options)
{
    struct config *config = NULL;
    if (config_load(&options->sources, &config, stderr) < 0)
        return EXIT_FAILURE;
    config_free(config);
    puts("the configuration is good");
    return output_end(true);
}
