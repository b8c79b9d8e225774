// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type * as Browser from "../../packages/hostdev/build/test/integration/cockpit/browser.d.ts";
import type * as VmPage from "../../packages/hostdev/build/test/integration/cockpit/vm-page.d.ts";
import type * as Programs from "../../packages/hostdev/build/test/integration/programs.d.ts";
import { repositoryDirectory } from "./lab-directory.ts";

/*
 * The browser of hostdev's own tests, as it was built for them: the lab is another package, which is built after that one.
 */

const load = (file: string): Promise<unknown> =>
  import(pathToFileURL(join(repositoryDirectory, "packages/hostdev/build/test/integration", file)).href);

/** A page in Chromium, which runs on the host as a user of no account of its own. */
export const { Page } = (await load("cockpit/browser.js")) as typeof Browser;
export type Page = Browser.Page;
/** What is done on cockpit's page for VMs. */
export const vmPage = (await load("cockpit/vm-page.js")) as typeof VmPage;
/** That user, and what the host has not. */
export const { TestUser, lacks } = (await load("programs.js")) as typeof Programs;
