/*
 * ends.h: what becomes of processes that are in "processes": their end, and their names.
 */
#pragma once

#include "process.h"

/* Comes after the last system call of a thread. When the group's last one goes, nothing is added
 * to the process any more: connections that are still to be closed belong to the kernel. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
    if (BPF_CORE_READ(task, signal, live.counter) > 0)
        return 0;
    struct bpf_process_key key = {
        .start_boot_ns = BPF_CORE_READ(task, group_leader, start_boottime),
        .pid = leader_pid(BPF_CORE_READ(task, group_leader)),
    };
    struct bpf_process *p = bpf_map_lookup_elem(&processes, &key);
    if (p)
        p->ended = BPF_ENDED_AT(bpf_ktime_get_ns());
    return 0;
}

/* A program that is started in a process, and whoever changes his name: comes before it is set. */
SEC("tp_btf/task_rename")
int BPF_PROG(process_rename, struct task_struct *task, const char *command)
{
    struct task_struct *leader = BPF_CORE_READ(task, group_leader);
    if (leader != task)
        return 0;
    struct bpf_process_key key = {
        .start_boot_ns = BPF_CORE_READ(leader, start_boottime),
        .pid = leader_pid(leader),
    };
    struct bpf_process *p = bpf_map_lookup_elem(&processes, &key);
    if (p)
        bpf_probe_read_kernel_str(p->command, sizeof(p->command), command);
    return 0;
}
