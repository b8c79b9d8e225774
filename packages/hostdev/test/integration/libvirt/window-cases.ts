// SPDX-License-Identifier: Apache-2.0

/** A window of virt-manager that is opened on hostdev. */
export interface WindowCase {
  /** As it is typed, without `--connect`; the VM `shown` has a screen, `serial` a serial port only. */
  readonly command: string;
  /** What is to be seen. */
  readonly outcome: string;
  /** The window's title, or a part of it. */
  readonly title: string;
  /** What virt-manager logs when it is there. */
  readonly logs?: RegExp;
  /** The VM whose serial console it then has: nobody else gets it. */
  readonly holdsConsole?: string;
}

/** Each without an error in virt-manager's log. */
export const windowCases: readonly WindowCase[] = [
  {
    command: "",
    outcome: "the list of VMs",
    title: "Virtual Machine Manager",
    logs: /domain=shown status=Running added/,
  },
  {
    command: "--show-domain-console shown",
    outcome: "the VM's screen (VNC), through a connection that the daemon hands over",
    title: "Shown machine on QEMU/KVM User session",
    logs: /Viewer connected/,
  },
  {
    command: "--show-domain-console serial",
    outcome: "the VM's serial console, through a stream of the daemon",
    title: "Serial machine on QEMU/KVM User session",
    logs: /Showing VM details/,
    holdsConsole: "serial",
  },
  {
    command: "--show-domain-editor shown",
    outcome: "the VM's details: all devices, from the live XML",
    title: "Shown machine on QEMU/KVM User session",
    logs: /Showing VM details/,
  },
  {
    command: "--show-domain-creator",
    outcome: "the dialog for a new VM; its disk is made in the pool `default`",
    title: "New VM",
  },
  {
    command: "--show-host-summary",
    outcome: "the host: CPU and memory, storage pools; there are no networks",
    title: "Connection Details",
    logs: /pool=default status=Active added|Found default pool name=default/,
  },
];
