// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleDomain } from "../../test/domain/sample-domain.ts";
import { isHostdevError } from "../core/errors.ts";
import { parseDomain } from "../domain/parse.ts";
import { assertQueuesFit } from "./queue-limits.ts";

test("assertQueuesFit() knows for which networks, and from which QEMU on, a queue is too long", () => {
  const check = (type: string, size: number, minor: number) => {
    const source = type === "vdpa" ? "<source dev='/dev/vhost-vdpa-0'/>" : "";
    const card = `<interface type='${type}'>${source}<mac address='52:54:00:00:00:01'/><model type='virtio'/><driver rx_queue_size='1024' tx_queue_size='${size}'/></interface>`;
    assertQueuesFit(parseDomain(sampleDomain({ devices: card })), { major: 8, minor });
  };
  check("user", 256, 1);
  check("user", 1024, 0);
  check("vdpa", 1024, 1);
  assert.throws(
    () => check("user", 512, 1),
    (error) =>
      isHostdevError(error, "HD_DOMAIN_UNSUPPORTED") &&
      /tx_queue_size='512' of net0 \(52:54:00:00:00:01\), of type user: QEMU allows 256/.test(error.message),
  );
});
