/* bpf_none.c: in place of bpf.c where the build had no clang or libbpf. */
#include <errno.h>

#include "base/defs.h"
#include "keeper/bpf.h"
#include "keeper/keeper.h"

int bpf_load(uint32_t parts, struct keeper_bpf *ret, int fds[KEEPER_FDS_MAX])
{
    (void)fds;
    *ret = (struct keeper_bpf){0};
    for (unsigned i = 0; i < BPF_PARTS; i++)
        ret->error[i] = parts & BPF_PART_BIT(i) ? -ENOSYS : 0;
    return -ENOSYS;
}

bool keeper_has_programs(void)
{
    return false;
}
