/* cmd_help.c: `netsonde help` and `netsonde version`. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "daemon/commands.h"
#include "daemon/output.h"
#include "version.h"

int cmd_help(const struct options *options)
{
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    enum command command = COMMANDS;
    if (options->arguments[0])
        CHECK(command_parse(options->arguments[0], &command) == 0); /* options_parse looked */
    options_print_help(command, &out);
    fputs(buf_string(&out), stdout);
    return output_end(true);
}

int cmd_version(const struct options *options)
{
    puts(options->json ? "{\"version\":\"" NETSONDE_VERSION "\"}" : "netsonde " NETSONDE_VERSION);
    return output_end(true);
}
