// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { machinesSteps } from "../integration/cockpit/machines-steps.ts";
import { agentCases, secondProcessorCases } from "../integration/guest/agent-cases.ts";
import { dbusCases } from "../integration/libvirt/dbus-cases.ts";
import { storageCases } from "../integration/libvirt/storage-cases.ts";
import { installArguments, toolCases } from "../integration/libvirt/tool-cases.ts";
import { virshCases } from "../integration/libvirt/virsh-cases.ts";
import { windowCases } from "../integration/libvirt/window-cases.ts";
import { repositoryRoot } from "../style/source-tree.ts";

const besideLibvirt = `## Beside libvirt's own session daemon

Both run for the same user at the same time, with VMs of their own. libvirt's clients choose by the socket, in
\`$XDG_RUNTIME_DIR/libvirt\` or, without that variable, in \`~/.cache/libvirt\`:

| connection | reaches |
|---|---|
| \`qemu:///session\` | hostdev, while \`virtqemud-sock\` is there; else libvirt |
| \`qemu:///session?mode=direct\` | hostdev |
| \`qemu:///session?mode=legacy\` | libvirt, at \`libvirt-sock\`, started when needed |
| none given | on Debian libvirt; hostdev after \`hostdev setup --default-uri\`, which sets \`uri_default\` |

\`systemctl --user disable --now hostdev-sessiond.socket hostdev-sessiond.service\` gives \`qemu:///session\` back to
libvirt. hostdev's own verbs reach it with \`--connect 'qemu:///session?mode=legacy'\`. The table and these commands are tried with
Debian 13's libvirt 11.3 in \`lab/scenarios/session-daemon.test.ts\`.

A running VM outlives a daemon that is stopped, killed or replaced; the next one finds it. \`systemctl --user kill\` without
\`--kill-whom=main\` kills the VMs too, as does the end of the user's last login without \`loginctl enable-linger\`.
`;

/** What the lab's scenario virt-install does with a card that is granted. */
const grantedRuns: readonly string[] = [
  "`virt-install --hostdev 01:00.0`, also as `pci_0000_01_00_0` and `0:1:0.0`; with `--transient`; by `--print-xml` and virsh",
  "`virt-xml --remove-device --hostdev 1 --update`, `--add-device --hostdev 01:00.0 --update`: while the VM runs and for its next start",
  "`virt-xml --edit --hostdev driver.name=vfio,rom.bar=off,xpath1.set=./@managed=no --start`; `--print-diff`",
  "`virt-clone`: the copy has the card as well; whichever VM starts second is refused, with the name of the other",
  "Python: `dettach()`, which finds it done, `detachDeviceFlags()`, `attachDeviceFlags()`, and their events; `reAttach()` is root's",
];

interface Compared {
  readonly name: string;
  readonly differs?: string | undefined;
}

/** One row for each name; the same at different times may come out differently. */
function rowsOf(cases: readonly Compared[]): readonly string[] {
  const rows = new Map<string, string>();
  for (const { name, differs } of cases)
    rows.set(name, differs === undefined ? (rows.get(name) ?? "same") : `differs: ${differs}`);
  return [...rows].map(([name, result]) => `| \`${name}\` | ${result} |`);
}

/** The commands in a list of them, without what they are given. */
function commandNames(cases: readonly { readonly command: string }[]): string {
  const names = new Set(cases.map(({ command }) => `\`${command.split(" ")[0]}\``));
  return `${[...names].sort().join(", ")}.`;
}

function renderPage(): string {
  const commands = [...virshCases, ...storageCases].map(({ command, differs }) => ({
    name: `virsh ${command.replaceAll("FOLDER/", "")}`,
    differs,
  }));
  return [
    "# Compatibility with libvirt's clients",
    "",
    "`hostdev-sessiond` serves `qemu:///session` to libvirt's own clients. Each of these commands is run in the tests on it and",
    "on libvirt's session daemon, as an ordinary user on the same machine, in this order. *Same* means the same exit status and",
    "the same output, letter by letter, times and sizes aside. Made from `packages/hostdev/test/integration/libvirt/virsh-cases.ts`.",
    "",
    "| command | on hostdev, compared with libvirt |",
    "|---|---|",
    ...rowsOf(commands),
    "",
    "Storage pools are folders (`type='dir'`) of the user's own, kept in `~/.config/hostdev/pools`; what is in a folder is looked at",
    "whenever it is asked for, so a refresh is never needed. Not there at all, and refused as unsupported: other types of pools,",
    "uploading, downloading and wiping volumes, saving and restoring guests, snapshots, migration, making networks and secrets, and",
    "open files of clients (the daemon's own to clients, for screens, need `python3`).",
    "",
    "The XML of a running VM was compared for three domains (q35, i440fx, an image on top of another, a screen, an agent):",
    "aliases, addresses, terminals and the images below a disk's are the same. Different: `<cpu>` is as defined, libvirt's has the features",
    "that QEMU gave it in the end (`check='full'`); images below have no `index`, which only jobs on disks would need; a VNC screen that",
    "names no address is a socket of the user's, not a port of 127.0.0.1; the agent's socket lies elsewhere; of q35 the watchdog that",
    "every one has is shown, and the root bus is listed first.",
    "",
    "Events (`virsh event --all`) are compared in `events.test.ts`, with the same happenings on both daemons. Never sent, for want of",
    "what they tell of: block jobs, changes of a disk's chain, migration, jobs; for want of a look at it: graphics connections, failing",
    "memory of the host, the size of memory devices, errors of the monitor (hostdev connects to it again).",
    "",
    "## A Linux guest",
    "",
    "With Debian's kernel and QEMU's guest agent in the guest, all of these do the same on both daemons, also where the agent refuses.",
    "Made from `packages/hostdev/test/integration/guest/agent-cases.ts`; beside it tests plug a disk in and out, take memory back with the",
    "balloon, write into a folder that is shared by virtiofs, reboot the guest, shut it down by its agent and its power button, and let it",
    "sleep and wake.",
    "",
    commandNames([...agentCases, ...secondProcessorCases]),
    "",
    "## virt-install, virt-clone and virt-xml",
    "",
    "Run in this order by the tests, with `--connect qemu:///session`; virt-install also with",
    `\`${installArguments}\`. Made from \`tool-cases.ts\` there.`,
    "",
    "| command | on hostdev |",
    "|---|---|",
    ...toolCases.map(({ command, outcome }) => `| \`${command.replaceAll("FOLDER/", "~/")}\` | ${outcome} |`),
    "",
    "With a card that is granted, `lab/scenarios/virt-install.test.ts` runs Debian 13's virtinst 5.0 and a script of python3-libvirt",
    "in the lab, and a small guest drives the card each time:",
    "",
    ...grantedRuns.map((run) => `- ${run}`),
    "",
    "`lab/scenarios/session-daemon.test.ts` does the like with virsh.",
    "",
    "## virt-manager",
    "",
    "The tests open each of these windows on a virtual screen, with `--connect qemu:///session`, and want no error in virt-manager's log.",
    "Made from `window-cases.ts` there.",
    "",
    "| command | window |",
    "|---|---|",
    ...windowCases.map(({ command, outcome }) => `| \`${`virt-manager ${command}`.trim()}\` | ${outcome} |`),
    "",
    "## libvirt-dbus",
    "",
    "The tests call these methods by `busctl --user` on both daemons, in this order, and want the same signals of a VM's life too.",
    "Made from `dbus-cases.ts` there.",
    "",
    "| method | on hostdev, compared with libvirt |",
    "|---|---|",
    ...rowsOf(dbusCases.map(({ method, differs }) => ({ name: method, differs }))),
    "",
    "## cockpit-machines",
    "",
    "The tests do all this on cockpit's page for VMs, in Chromium, with the user's session on hostdev; virsh sees the same. Made from",
    "`packages/hostdev/test/integration/cockpit/machines-steps.ts`.",
    "",
    ...machinesSteps.map(({ name }) => `- ${name}`),
    "",
    "With a network card that is lent, `lab/scenarios/cockpit.test.ts` does it on Debian 13 (cockpit 337, cockpit-machines 332), where the",
    "user logs in with his password. Before the grant, *Run* says which command root has to run. After it *Add host device* gives the card",
    "to the VM, off or running, *Remove* takes it out of either, and *Force reboot* starts the guest again; the guest drives the card each",
    "time, and the page's serial console shows it.",
    "",
    besideLibvirt,
  ].join("\n");
}

test("docs/compatibility.md is made from the list of commands", () => {
  const path = join(repositoryRoot, "docs/compatibility.md");
  if (process.env["UPDATE_GOLDEN"]) writeFileSync(path, renderPage());
  assert.equal(readFileSync(path, "utf8"), renderPage());
});
