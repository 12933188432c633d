/* cmd_dump_config.c: `netsonde dump-config`: what is in force, or what the keys mean. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/commands.h"
#include "daemon/output.h"

int cmd_dump_config(const struct config *config, const struct options *options)
{
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    const char *documentation = options->documentation;
    if (documentation && strcmp(documentation, "man") == 0)
        config_print_man(&out);
    else if (documentation)
        config_print_markdown(&out);
    else if (options->json)
        config_dump_json(config, &out);
    else
        config_dump_yaml(config, &out);
    bool written = buf_ok(&out) && fwrite(out.data, 1, out.len, stdout) == out.len;
    return output_end(written);
}
