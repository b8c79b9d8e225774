// SPDX-License-Identifier: Apache-2.0

/** One record a grant. Not /etc: the program keeps it, nobody edits it. Not /run: files outlive a boot. */
export const recordsDirectory = "/var/lib/hostdev/grants";
export const stateDirectory = "/var/lib/hostdev";
export const lockPath = "/run/hostdev.lock";
