// SPDX-License-Identifier: Apache-2.0

/** One record a grant. Not /etc: the program keeps it, nobody edits it. Not /run: files outlive a boot. */
export const recordsDirectory = "/var/lib/hostdev/grants";
/** One file for each device that the host does not trust. */
export const quarantineDirectory = "/var/lib/hostdev/quarantine";
/** One file for each physical function of which we made virtual ones. */
export const poolDirectory = "/var/lib/hostdev/vfs";
export const stateDirectory = "/var/lib/hostdev";
export const lockPath = "/run/hostdev.lock";
