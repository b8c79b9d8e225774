// SPDX-License-Identifier: Apache-2.0

const waiting: (() => void)[] = [];
let isTaken = false;

/**
 * Does a job now, or, when one has been done in this round of the event loop, in a later round: however many clients ask
 * at once, the loop goes round after each answer, and who came first is first.
 */
export function inTurn(job: () => void): void {
  if (isTaken) waiting.push(job);
  else take(job);
}

function take(job: () => void): void {
  isTaken = true;
  setImmediate(() => {
    isTaken = false;
    const next = waiting.shift();
    if (next !== undefined) take(next);
  });
  job();
}
