// SPDX-License-Identifier: Apache-2.0

/** Simulated time: it stands still until somebody sleeps or waits, and then what is due happens in order. */
export class Clock {
  #now = Date.UTC(2026, 0, 1);
  #bootedAt = this.#now - 60_000;
  #due: { at: number; act: () => void }[] = [];

  get now(): number {
    return this.#now;
  }

  /** Clock ticks (1/100 s) since boot. */
  get ticks(): number {
    return Math.floor((this.#now - this.#bootedAt) / 10);
  }

  /** A reboot: 30 seconds pass, and what was due in the old life never happens. */
  reboot(): void {
    this.#due = [];
    this.#now += 30_000;
    this.#bootedAt = this.#now;
    this.#now += 5_000;
  }

  /** Does something after so much time has passed. */
  schedule(milliseconds: number, act: () => void): void {
    this.#due.push({ at: this.#now + milliseconds, act });
    this.#due.sort((a, b) => a.at - b.at);
  }

  /** Lets time pass; `until` ends it early. */
  pass(milliseconds: number, until: () => boolean = () => false): void {
    const end = this.#now + milliseconds;
    while (!until()) {
      const next = this.#due[0];
      if (next === undefined || next.at > end) {
        this.#now = end;
        return;
      }
      this.#due.shift();
      this.#now = Math.max(this.#now, next.at);
      next.act();
    }
  }
}
