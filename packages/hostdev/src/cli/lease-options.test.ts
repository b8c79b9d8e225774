// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isHostdevError } from "../core/errors.ts";
import { type LeaseOptions, parseLeaseOptions } from "./lease-options.ts";

// A fixed moment, in whatever time zone the test runs.
const now = new Date(2026, 10, 28, 12, 30, 15);
const end = (options: LeaseOptions) => parseLeaseOptions(options, now).lease.expiresAt;
const local = (...parts: [number, number, number, number, number, number?]) => new Date(...parts).toISOString();

test("parseLeaseOptions() reads spans and moments", () => {
  const cases: readonly (readonly [LeaseOptions, string | null])[] = [
    [{}, null],
    [{ for: "90s" }, local(2026, 10, 28, 12, 31, 45)],
    [{ for: "30m" }, local(2026, 10, 28, 13, 0, 15)],
    [{ for: "2h" }, local(2026, 10, 28, 14, 30, 15)],
    [{ for: "2d" }, new Date(now.getTime() + 172_800_000).toISOString()],
    [{ until: "18:00" }, local(2026, 10, 28, 18, 0)],
    [{ until: "9:05" }, local(2026, 10, 29, 9, 5)],
    [{ until: "12:30" }, local(2026, 10, 29, 12, 30)],
    [{ until: "2026-12-24T18:00" }, local(2026, 11, 24, 18, 0)],
    [{ until: "2026-12-24 18:00:30" }, local(2026, 11, 24, 18, 0, 30)],
    [{ until: "2026-12-24T18:00Z" }, "2026-12-24T18:00:00.000Z"],
    [{ until: "2026-12-24T18:00+02:00" }, "2026-12-24T16:00:00.000Z"],
  ];
  for (const [options, expected] of cases) assert.equal(end(options), expected, JSON.stringify(options));
  assert.deepEqual(parseLeaseOptions({ persistent: true, onExpiry: "kill", note: "Grüße" }, now), {
    lease: { isPersistent: true, expiresAt: null, onExpiry: "kill" },
    note: "Grüße",
  });
});

test("parseLeaseOptions() refuses everything else, and names the option", () => {
  const cases: readonly LeaseOptions[] = [
    ...["", "2", "2w", "0h", "-1h", "1.5h", "2h30m", "99999999d", "1e3s"].map((text) => ({ for: text })),
    ...["", "24:00", "12:60", "tomorrow", "2026-11-28", "2026-02-31T10:00", "2027-02-31T10:00"].map((until) => ({
      until,
    })),
    ...["2026-11-28T12:30", "1999-01-01T00:00Z", "9999-01-01T00:00Z", "2026-13-01T00:00"].map((until) => ({ until })),
    { for: "2h", until: "18:00" },
    { untilReboot: true, persistent: true },
    { onExpiry: "never" },
    { note: "two\nlines" },
    { note: "" },
    { note: "x".repeat(201) },
  ];
  for (const options of cases) {
    assert.throws(
      () => parseLeaseOptions(options, now),
      (error) => isHostdevError(error, "HD_INVALID_ARGUMENT") && error.details.argument.startsWith("--"),
      JSON.stringify(options),
    );
  }
});

test("parseLeaseOptions() never gives an end that is over or no time, whatever the text", () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^\d{1,4}[smhd]$/), fc.stringMatching(/^\d{1,2}:\d{2}$/));
  fc.assert(
    fc.property(text, fc.constantFrom("for", "until"), (value, option) => {
      try {
        return new Date(end({ [option]: value }) ?? "") > now;
      } catch (error) {
        return isHostdevError(error, "HD_INVALID_ARGUMENT");
      }
    }),
  );
});
