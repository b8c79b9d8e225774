// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import type { DomainStore } from "./domain-store.ts";
import type { StoreProblem } from "./session-api.ts";
import type { DomainReference, SessionEvent } from "./session-events.ts";
import type { SessionPaths } from "./session-paths.ts";

/** What the domains of a session share. */
export interface SessionParts {
  readonly host: Host;
  readonly paths: SessionPaths;
  readonly store: DomainStore;
  readonly emit: (domain: DomainReference, event: SessionEvent) => void;
  /** A number for a run that no other run of this session has. */
  readonly takeId: () => number;
  /** Takes a domain, which neither runs nor is defined any more, off the list. */
  readonly forget: (uuid: string) => void;
  /** @throws {HostdevError} `HD_DOMAIN_EXISTS` when another domain has the name. */
  readonly assertNameIsFree: (name: string, uuid: string) => void;
  /** Reports what cannot be told to anybody who asked. */
  readonly complain: (problem: StoreProblem) => void;
}
