/* command_run.c: the core's part of command.h. */
#include <errno.h>

#include "alert/alerts.h"
#include "api/command.h"

void api_command_run(struct api_command *cmd, struct alerts *alerts, int64_t now_ms)
{
    switch (cmd->kind) {
    case COMMAND_ACKNOWLEDGE:
        cmd->err = alerts_acknowledge(alerts, cmd->id, cmd->by, now_ms);
        break;
    case COMMAND_ADD_SILENCE:
        cmd->err = alerts_add_silence(alerts, &cmd->silence, now_ms, &cmd->ret_id);
        break;
    case COMMAND_END_SILENCE:
        cmd->err = alerts_end_silence(alerts, cmd->id, now_ms);
        break;
    case COMMAND_PUT_RULE:
        cmd->err = alerts_put_rule(alerts, cmd->rule, cmd->replace, now_ms);
        break;
    case COMMAND_DELETE_RULE:
        cmd->err = alerts_delete_rule(alerts, cmd->name, now_ms);
        break;
    case COMMAND_TEST_CHANNEL:
        cmd->err = alerts_test_channel(alerts, cmd->name, now_ms);
        break;
    }
}
