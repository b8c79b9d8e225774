// SPDX-License-Identifier: Apache-2.0

/** Parts of a small domain's XML, for tests; whatever is not given is the smallest that works. */
export interface SampleParts {
  readonly type?: string;
  readonly machine?: string;
  /** Elements of `<domain>` besides name, uuid, memory and os. */
  readonly body?: string;
  /** Elements of `<os>` besides type. */
  readonly os?: string;
  readonly devices?: string;
  readonly memory?: string;
}

/** The XML of a small domain, for tests. */
export function sampleDomain(parts: SampleParts = {}): string {
  const {
    type = "qemu",
    machine = "q35",
    body = "",
    os = "",
    devices = "",
    memory = "<memory unit='MiB'>64</memory>",
  } = parts;
  return [
    `<domain type='${type}'>`,
    "<name>sample</name>",
    "<uuid>5a1f0c3e-1111-4c6e-9a01-0000000000ff</uuid>",
    memory,
    `<os><type arch='x86_64' machine='${machine}'>hvm</type>${os}</os>`,
    body,
    `<devices>${devices}</devices>`,
    "</domain>",
  ].join("\n");
}
