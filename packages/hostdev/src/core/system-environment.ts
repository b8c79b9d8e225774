// SPDX-License-Identifier: Apache-2.0

/** What programs that root starts get to see: messages in English, and the system's own folders, whoever calls us. */
export const systemEnvironment: Readonly<Record<string, string>> = {
  LC_ALL: "C",
  PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
};
