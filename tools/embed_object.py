#!/usr/bin/env python3
"""Makes a C source of the compiled BPF object, so that the binary carries it.

    embed_object.py OBJECT OUTPUT.c
"""
import pathlib
import sys


def main():
    data = pathlib.Path(sys.argv[1]).read_bytes()
    rows = [", ".join(str(byte) for byte in data[i:i + 32]) for i in range(0, len(data), 32)]
    pathlib.Path(sys.argv[2]).write_text(
        "/* Made by tools/embed_object.py from bpf/netsonde.bpf.c. */\n"
        '#include "keeper/bpf.h"\n\n'
        f"_Alignas(8) const unsigned char bpf_image[] = {{\n    "
        + ",\n    ".join(rows) + "};\n"
        "const size_t bpf_image_size = sizeof(bpf_image);\n")


if __name__ == "__main__":
    main()
