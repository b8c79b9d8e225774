// SPDX-License-Identifier: Apache-2.0
// QEMU's fw_cfg device: small files that the command line hands to the firmware.
#pragma once

// Reads the file as a string, cut to the size; an empty string when there is none.
void fwcfg_read(const char *name, char *to, unsigned size);

unsigned fwcfg_ram_mib(void);
