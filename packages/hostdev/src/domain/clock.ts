// SPDX-License-Identifier: Apache-2.0

/** `<clock>`: the guest's time and its timers. */
import { attribute, child, type Fields, type Infer, list, object, variants } from "../xml/schema.ts";
import { integer, oneOf, someText, yesNo } from "../xml/values.ts";

const present = attribute("present", yesNo);
const tick = {
  present,
  tickpolicy: attribute("tickpolicy", oneOf("delay", "catchup", "merge", "discard")),
} satisfies Fields;
const catchup = {
  catchup: child(
    "catchup",
    object({
      threshold: attribute("threshold", integer(0)),
      slew: attribute("slew", integer(0)),
      limit: attribute("limit", integer(0)),
    }),
  ),
} satisfies Fields;

const timers = list(
  "timer",
  variants("name", {
    rtc: { ...tick, track: attribute("track", oneOf("guest", "wall", "realtime")), ...catchup },
    pit: { ...tick, ...catchup },
    hpet: { ...tick, ...catchup },
    tsc: { present, frequencyHz: attribute("frequency", integer(1)) },
    kvmclock: { present },
    hypervclock: { present },
  }),
);

/** `<clock>`. */
export const clock = variants(
  "offset",
  {
    utc: { adjustment: attribute("adjustment", oneOf("reset")), timers },
    localtime: { adjustment: attribute("adjustment", oneOf("reset")), timers },
    timezone: { timezone: attribute("timezone", someText), timers },
    variable: {
      adjustmentSeconds: attribute("adjustment", integer(Number.MIN_SAFE_INTEGER)),
      basis: attribute("basis", oneOf("utc", "localtime")),
      timers,
    },
    absolute: { startSeconds: attribute("start", integer(0, 253_402_300_799)), timers },
  },
  "utc",
);

export type Clock = Infer<typeof clock>;
export type Timer = Clock["timers"][number];
export type TimerOf<T extends Timer["name"]> = Extract<Timer, { name: T }>;

/** The timer of that name, if the domain says anything about it. */
export function timerOf<T extends Timer["name"]>(clock: Clock | undefined, name: T): TimerOf<T> | undefined {
  return clock?.timers.find((timer): timer is TimerOf<T> => timer.name === name);
}
