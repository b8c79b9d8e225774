// SPDX-License-Identifier: Apache-2.0
import { isHostdevError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { type PciNames, readPciNames } from "../../pci/names.ts";
import { capabilitiesXml } from "./capabilities-xml.ts";
import { type EmulatorFacts, readEmulatorFacts } from "./emulator-facts.ts";

/** Emulators that a PC's session looks for, the usual one first. */
export const emulatorPaths = ["/usr/bin/qemu-system-x86_64", "/usr/bin/qemu-system-i386"] as const;

const momentMs = 1000;

interface Remembered {
  readonly sizeBytes: number;
  readonly accelerator: "kvm" | "tcg";
  readonly facts: Promise<EmulatorFacts>;
}

/** What takes long to find out about this machine, and is therefore remembered: what the emulators can do. */
export class MachineFacts {
  readonly #host: Host;
  readonly #emulators = new Map<string, Remembered>();
  #capabilities: Promise<string> | undefined;
  #pciNames: PciNames | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Names of PCI vendors and products, as they were when the daemon first needed them. */
  get pciNames(): PciNames {
    this.#pciNames ??= readPciNames(this.#host);
    return this.#pciNames;
  }

  /** Whether the caller may use KVM. */
  get hasKvm(): boolean {
    return this.#host.canAccess("/dev/kvm", "read-write");
  }

  /**
   * What an emulator can do. Asked once, and again when it was replaced or KVM came or went.
   *
   * @throws {HostdevError} as `readEmulatorFacts`.
   */
  async emulator(
    path: string = emulatorPaths[0],
    accelerator: "kvm" | "tcg" = this.hasKvm ? "kvm" : "tcg",
  ): Promise<EmulatorFacts> {
    const sizeBytes = this.#host.status(this.#host.realPath(path) ?? path)?.sizeBytes ?? -1;
    const known = this.#emulators.get(path);
    if (known?.sizeBytes === sizeBytes && known.accelerator === accelerator) return known.facts;
    const facts = readEmulatorFacts(this.#host, path, accelerator);
    this.#emulators.set(path, { sizeBytes, accelerator, facts });
    facts.catch(() => this.#emulators.delete(path)); // the next one may have more luck
    return facts;
  }

  /** What all emulators of this machine can do. */
  async emulators(): Promise<readonly EmulatorFacts[]> {
    const asked = emulatorPaths
      .filter((path) => this.#host.status(path) !== undefined)
      .map((path) => this.#tryEmulator(path));
    return (await Promise.all(asked)).filter((facts) => facts !== undefined);
  }

  /** The host's `<capabilities>`. Many clients ask at once, so that one text serves all of a moment. */
  async capabilities(): Promise<string> {
    this.#capabilities ??= this.emulators()
      .then((emulators) => capabilitiesXml(this.#host, emulators, this.hasKvm))
      .finally(() => setTimeout(() => this.#forget(), momentMs).unref());
    return this.#capabilities;
  }

  #forget(): void {
    this.#capabilities = undefined;
  }

  async #tryEmulator(path: string): Promise<EmulatorFacts | undefined> {
    try {
      return await this.emulator(path);
    } catch (error) {
      if (isHostdevError(error)) return undefined; // one that doesn't work is as good as none
      throw error;
    }
  }
}
