// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { pathState } from "./path-state.ts";

/** Where qemu-bridge-helper reads which bridges users may have, in all distributions. */
export const bridgeAccessFile = "/etc/qemu/bridge.conf";

/** Files of rules that include each other without an end are read this deep. */
const maxDepth = 8;

/**
 * Whether qemu-bridge-helper lends a bridge, by its rules (QEMU: qemu-bridge-helper.c): something must allow it, and
 * nothing deny it. Touches: reads the rules.
 *
 * @returns `undefined` when that cannot be known: the rules are not the caller's to read, only the helper's.
 */
export function isBridgeAllowed(host: Host, bridge: string): boolean | undefined {
  const rules = readRules(host, bridgeAccessFile, 0);
  if (rules === undefined) return undefined;
  const has = (verb: string) =>
    rules.some((rule) => rule.verb === verb && (rule.name === bridge || rule.name === "all"));
  return has("allow") && !has("deny");
}

interface Rule {
  readonly verb: string;
  readonly name: string;
}

function readRules(host: Host, path: string, depth: number): readonly Rule[] | undefined {
  if (pathState(host, path) === "ENOENT" || depth > maxDepth) return [];
  if (!host.canAccess(path, "read")) return undefined;
  const rules: Rule[] = [];
  for (const line of (host.readText(path) ?? "").split("\n")) {
    const [verb = "", name = ""] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (verb !== "include") rules.push({ verb, name });
    else {
      const included = readRules(host, name, depth + 1);
      if (included === undefined) return undefined;
      rules.push(...included);
    }
  }
  return rules;
}
