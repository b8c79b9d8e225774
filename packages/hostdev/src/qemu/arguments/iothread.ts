// SPDX-License-Identifier: Apache-2.0
import type { IothreadMapping } from "../../domain/devices/controller.ts";
import { type Build, objectArgument, type Properties } from "./options.ts";

/** The iothreads of a domain, and the pool of the main loop. */
export function iothreadArguments({ domain }: Build): string[] {
  const args: string[] = [];
  for (const { id, threadPoolMin, threadPoolMax, poll } of domain.iothreadIds?.list ?? []) {
    args.push(
      ...objectArgument({
        "qom-type": "iothread",
        id: `iothread${id}`,
        "thread-pool-min": threadPoolMin,
        "thread-pool-max": threadPoolMax,
        "poll-max-ns": poll?.max,
        "poll-grow": poll?.grow,
        "poll-shrink": poll?.shrink,
      }),
    );
  }
  const pool = domain.defaultIothread;
  if (pool !== undefined) {
    const limits = { "thread-pool-min": pool.threadPoolMin, "thread-pool-max": pool.threadPoolMax };
    args.push(...objectArgument({ "qom-type": "main-loop", id: "main-loop", ...limits }));
  }
  return args;
}

/** Which iothreads serve a device: one, or several by queue. */
export function iothreadProperties(
  driver: { iothread?: number | undefined; iothreads?: IothreadMapping | undefined } | undefined,
): Properties {
  return {
    iothread: driver?.iothread === undefined ? undefined : `iothread${driver.iothread}`,
    "iothread-vq-mapping": driver?.iothreads?.list.map(({ id, queues }) => ({
      iothread: `iothread${id}`,
      vqs: queues.length === 0 ? undefined : queues.map((queue) => queue.id),
    })),
  };
}
