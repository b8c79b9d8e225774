// SPDX-License-Identifier: Apache-2.0
import { describe } from "node:test";
import { bindingContract, overrideContract } from "./binding.ts";
import { functionContract } from "./function.ts";
import { nodeContract } from "./group.ts";
import type { KernelSubject } from "./kernel-subject.ts";
import { moduleContract } from "./modules.ts";
import { ownershipContract } from "./ownership.ts";
import { permissionContract } from "./permission.ts";
import { processContract } from "./process.ts";
import { virtualFunctionContract } from "./virtual-functions.ts";

/**
 * What the kernel does, through `Host` alone. It runs on `FakeHost` in the unit tests (`fake-kernel.test.ts`) and on
 * the real kernel in the lab (`real-kernel.ts`); where they differ, the fake is wrong. Last seen to agree: Debian's
 * 6.12.117. Each test puts back what it changes.
 */
export function kernelContract(name: string, makeSubject: () => Promise<KernelSubject>): void {
  let subject: Promise<KernelSubject> | undefined;
  const get = () => {
    subject ??= makeSubject();
    return subject;
  };
  describe(`${name}: driver override`, () => overrideContract(get));
  describe(`${name}: bind, unbind, probe`, () => bindingContract(get));
  describe(`${name}: a function's files`, () => functionContract(get));
  describe(`${name}: group nodes`, () => nodeContract(get));
  describe(`${name}: who owns a group's DMA`, () => ownershipContract(get));
  describe(`${name}: modules`, () => moduleContract(get));
  describe(`${name}: virtual functions`, () => virtualFunctionContract(get));
  describe(`${name}: what an ordinary user may`, () => permissionContract(get));
  describe(`${name}: processes and their memlock`, () => processContract(get));
}
