// SPDX-License-Identifier: Apache-2.0
import type { Grant } from "./grant.ts";
import type { Step } from "./step.ts";

/**
 * The steps of taking a device back, with those that clean what the user may have had: right after the node is taken
 * from him, while the endpoints are with vfio-pci still. A grant that never came as far as giving him the node needs
 * none. Pure.
 *
 * @param reachable held endpoints that came into the user's reach.
 */
export function withCleaning(grant: Grant, undo: readonly Step[], reachable: readonly string[] = []): readonly Step[] {
  const closing = undo.findIndex((step) => step.kind === "owner");
  if (closing === -1) return undo;
  const given = grant.endpoints.filter(({ role, address }) => role === "give" || reachable.includes(address));
  const ownsStub = undo.some((step) => step.kind === "module" && step.module === "pci-stub");
  const cleaning = given.map(({ address, identity: { vendorId, deviceId } }): Step => {
    const binding = undo.find((step) => step.kind === "binding" && step.address === address);
    return {
      kind: "clean",
      address,
      vendorId,
      deviceId,
      mayLackReset: grant.acceptsNoReset,
      user: grant.user.name,
      // Without such a step it was on vfio-pci before, by another hand.
      home: binding?.kind === "binding" ? binding.to : { driver: "vfio-pci", override: "vfio-pci" },
      ownsStub,
      from: "lent",
      to: "clean",
    };
  });
  return [...undo.slice(0, closing + 1), ...cleaning, ...undo.slice(closing + 1)];
}
