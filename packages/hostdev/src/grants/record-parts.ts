// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";

/** Parts of what is read back from the disk; root acts on it, so that every string is checked. */
export const addressText = v.pipe(v.string(), v.regex(/^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/));

/** A number that counts or names something: uid, pid, vendor, bytes. */
export const id = v.pipe(v.number(), v.integer(), v.minValue(0));

/** The name of a driver, as it may be written to the kernel. */
export const driverName = v.nullable(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/)));

/** Driver and override of a function. */
export const binding = v.strictObject({ driver: driverName, override: driverName });
