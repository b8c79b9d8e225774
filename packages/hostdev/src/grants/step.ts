// SPDX-License-Identifier: Apache-2.0
import type { Ownership } from "../core/host.ts";
import type { ProcessLimit } from "../memlock/limit.ts";
import { describeLimit } from "../memlock/limit.ts";
import type { Binding } from "../vfio/binding.ts";
import type { ModuleName } from "../vfio/modules.ts";
import type { VfSettings } from "../vfio/vf-settings.ts";

/** What hostdev adds to a user's memlock limit, over all his grants; `null` leaves it to the system. */
export interface MemlockState {
  readonly bytes: number | null;
}

/** One reversible change to the machine, as plain data: it can be shown, journaled, done, compared and undone. */
export type Step =
  | {
      readonly kind: "module";
      readonly module: ModuleName;
      readonly from: "absent" | "loaded";
      readonly to: "absent" | "loaded";
    }
  | {
      readonly kind: "binding";
      readonly address: string;
      /** Taken although the host uses it. */
      readonly isForced: boolean;
      readonly from: Binding;
      readonly to: Binding;
    }
  /** Before the host gets it back: reset, bus mastering off, its answers checked; else it goes into quarantine. */
  | {
      readonly kind: "clean";
      readonly address: string;
      readonly vendorId: number;
      readonly deviceId: number;
      /** The administrator lent it though it cannot be reset. */
      readonly mayLackReset: boolean;
      /** Whose it was, for the reason of a quarantine. */
      readonly user: string;
      /** What it has to become when it is trusted. */
      readonly home: Binding;
      /** Whether pci-stub goes with this grant, if nobody needs it any more. */
      readonly ownsStub: boolean;
      readonly from: "lent" | "clean";
      readonly to: "lent" | "clean";
    }
  /** MAC address and VLAN that a physical function holds a virtual one to. */
  | {
      readonly kind: "vf";
      readonly physicalFunction: string;
      readonly index: number;
      readonly from: VfSettings;
      readonly to: VfSettings;
    }
  | {
      readonly kind: "memlock";
      readonly uid: number;
      readonly from: MemlockState;
      readonly to: MemlockState;
      /** The limits of the user's processes before any grant: what they get back. */
      readonly before: readonly ProcessLimit[];
    }
  /** A whole file of ours; `null`: absent. */
  | { readonly kind: "file"; readonly path: string; readonly from: string | null; readonly to: string | null }
  /** A unit file or drop-in of ours, and what systemd knows of it; `null`: absent. */
  | { readonly kind: "unit"; readonly path: string; readonly from: string | null; readonly to: string | null }
  | { readonly kind: "owner"; readonly path: string; readonly from: Ownership; readonly to: Ownership };

/** The step that takes this one back. `invert(invert(step))` is `step`. */
export function invert(step: Step): Step {
  return { ...step, from: step.to, to: step.from } as Step;
}

/** The steps that take these back, in the opposite order. */
export function invertAll(steps: readonly Step[]): readonly Step[] {
  return steps.map(invert).reverse();
}

/** Whether the step changes what the kernel keeps in memory only: gone with the boot. */
export function isVolatile(step: Step): boolean {
  return step.kind !== "file" && step.kind !== "unit";
}

const octal = (mode: number) => mode.toString(8).padStart(4, "0");

/** The step in words, for people. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case "module":
      return step.to === "loaded"
        ? `load the module ${step.module}`
        : `unload the module ${step.module} unless it is in use`;
    case "binding":
      return (
        `bind ${step.address}: ${step.from.driver ?? "no driver"} -> ${step.to.driver ?? "no driver"}` +
        ` (driver_override ${step.from.override ?? "none"} -> ${step.to.override ?? "none"})`
      );
    case "clean":
      return `${step.mayLackReset ? "reset if it can be" : "reset"} and check ${step.address}`;
    case "vf":
      return `hold virtual function ${step.index} of ${step.physicalFunction} to MAC ${step.from.mac} -> ${step.to.mac}, VLAN ${step.from.vlan} -> ${step.to.vlan}`;
    case "memlock":
      return `memlock of uid ${step.uid}'s running processes: ${step.from.bytes === null ? "as it is" : describeLimit(step.from.bytes)} -> ${step.to.bytes === null ? "as before" : describeLimit(step.to.bytes)}`;
    case "file":
      return step.to === null ? `remove ${step.path}` : `write ${step.path}`;
    case "unit":
      return `${step.to === null ? "remove" : "write"} ${step.path}, and tell systemd`;
    case "owner":
      return `owner of ${step.path}: ${step.from.uid}:${step.from.gid} ${octal(step.from.mode)} -> ${step.to.uid}:${step.to.gid} ${octal(step.to.mode)}`;
  }
}
