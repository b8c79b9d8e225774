// SPDX-License-Identifier: Apache-2.0

/**
 * A page in headless Chromium, driven over Chrome's DevTools protocol: JSON messages, each ended by a NUL byte, on the
 * browser's file descriptors 3 (to it) and 4 (from it). So no port is open, and no WebSocket is needed.
 *
 * @see https://chromedevtools.github.io/devtools-protocol/
 */
import { Buffer } from "node:buffer";
import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { TestUser } from "../programs.ts";

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

type Parameters = Readonly<Record<string, unknown>>;

interface Waiter {
  readonly resolve: (result: Parameters) => void;
  readonly reject: (error: Error) => void;
}

/** One page. */
export class Page {
  /** What the page's scripts threw and did not catch. */
  readonly exceptions: string[] = [];
  /** How long what is waited for may take. */
  patienceMs = 30_000;
  readonly #input: Writable;
  readonly #waiting = new Map<number, Waiter>();
  #lastId = 0;
  #sessionId: string | undefined;
  #rest = Buffer.alloc(0);

  private constructor({ stdio }: ChildProcess) {
    this.#input = stdio[3] as Writable;
    this.#input.on("error", () => {}); // a browser that has gone: the calls that wait are told below
    const output = stdio[4] as Readable;
    output.on("data", (chunk: Buffer) => this.#receive(chunk));
    output.on("close", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the browser has gone"));
    });
  }

  /** Starts Chromium as the user, with a page of this size. The user's `remove()` ends it. */
  static async open(user: TestUser, width = 1280, height = 900): Promise<Page> {
    const { child } = user.start("chromium", [...chromiumOptions(user), `--window-size=${width},${height}`], {
      pipes: 2,
    });
    const page = new Page(child);
    const { targetId } = await page.#call("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await page.#call("Target.attachToTarget", { targetId, flatten: true });
    page.#sessionId = sessionId as string;
    for (const domain of ["Page", "Runtime"]) await page.#call(`${domain}.enable`);
    return page;
  }

  /** Goes to an address; what it loads may still be on its way. */
  async goTo(url: string): Promise<void> {
    const { errorText } = await this.#call("Page.navigate", { url });
    if (errorText !== undefined) throw new Error(`cannot go to ${url}: ${String(errorText)}`);
  }

  /** The value of a JavaScript expression in the page. */
  async evaluate(expression: string): Promise<unknown> {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.#call("Runtime.evaluate", options);
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return (result as { readonly value?: unknown }).value;
  }

  /** Waits until an expression is true; while a page comes and goes it cannot be asked. */
  async until(expression: string, timeoutMs = this.patienceMs): Promise<void> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const value = await this.evaluate(`Boolean(${expression})`).catch(String);
      if (value === true) return;
      if (Date.now() > end)
        throw new Error(`not in ${timeoutMs} ms: ${expression} is ${value}\nthe page:\n${await this.text()}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /**
   * Waits for an element that can be clicked, and clicks at its middle, as a mouse does: nothing may be over it, and it must
   * have come to rest, as a dialog that opens has not.
   */
  async click(selector: string, text = ""): Promise<void> {
    const found = `[...document.querySelectorAll(${JSON.stringify(selector)})].find((element) =>
      element.textContent.includes(${JSON.stringify(text)}) && !element.disabled && element.checkVisibility())`;
    await this.until(found);
    const middle = `(() => {
      const element = ${found};
      element?.scrollIntoView({ block: "center" });
      const { left, top, width, height } = element?.getBoundingClientRect() ?? {};
      const at = [left + width / 2, top + height / 2];
      return element?.contains(document.elementFromPoint(...at)) && at;
    })()`;
    const end = Date.now() + this.patienceMs;
    for (let last: unknown; ; ) {
      const at = await this.evaluate(middle);
      if (Array.isArray(at) && String(at) === String(last)) return this.#clickAt(at[0], at[1]);
      if (Date.now() > end) throw new Error(`cannot click at ${selector} ${text}: it moves, or is under something`);
      last = at;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Clicks at a field, and writes into it as a keyboard does. */
  async write(selector: string, text: string): Promise<void> {
    await this.click(selector);
    await this.#call("Input.insertText", { text });
  }

  /** Waits for a `<select>`, and chooses one of its values. */
  async choose(selector: string, value: string): Promise<void> {
    const found = `document.querySelector(${JSON.stringify(selector)})`;
    await this.until(`${found} !== null`);
    await this.evaluate(
      `(${found}.value = ${JSON.stringify(value)}, ${found}.dispatchEvent(new Event("change", { bubbles: true })))`,
    );
  }

  /** Waits until a reader sees this. */
  async sees(text: string | RegExp, timeoutMs?: number): Promise<void> {
    const pattern = typeof text === "string" ? `{ test: (all) => all.includes(${JSON.stringify(text)}) }` : text;
    await this.until(`(${pattern}).test(document.body?.innerText ?? "")`, timeoutMs);
  }

  /** What a reader sees. */
  async text(): Promise<string> {
    return String(await this.evaluate("document.body?.innerText ?? ''"));
  }

  /** Writes a picture of the page. */
  async screenshot(path: string): Promise<void> {
    const { data } = await this.#call("Page.captureScreenshot", { format: "png" });
    writeFileSync(path, Buffer.from(data as string, "base64"));
  }

  async #clickAt(x: number, y: number): Promise<void> {
    for (const type of ["mousePressed", "mouseReleased"])
      await this.#call("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
  }

  #call(method: string, params: Parameters = {}): Promise<Parameters> {
    this.#lastId += 1;
    const id = this.#lastId;
    const sessionId = this.#sessionId;
    this.#input.write(`${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #receive(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (let end = this.#rest.indexOf(0); end !== -1; end = this.#rest.indexOf(0)) {
      this.#handle(JSON.parse(this.#rest.toString("utf8", 0, end)) as Answer);
      this.#rest = this.#rest.subarray(end + 1);
    }
  }

  #handle({ id, method, params, result, error }: Answer): void {
    if (id === undefined) {
      if (method === "Runtime.exceptionThrown") this.exceptions.push(JSON.stringify(params?.["exceptionDetails"]));
      return;
    }
    const waiter = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error !== undefined) waiter?.reject(new Error(error.message));
    else waiter?.resolve(result ?? {});
  }
}

/**
 * The browser runs as the test's user and sees our own pages only. Its sandbox needs a setuid helper or user
 * namespaces, which are not there in containers; /dev/shm is small in them.
 */
function chromiumOptions({ folder }: TestUser): readonly string[] {
  return [
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--lang=en",
    `--user-data-dir=${join(folder, "home/chromium")}`,
  ];
}
