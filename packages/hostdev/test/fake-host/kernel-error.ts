// SPDX-License-Identifier: Apache-2.0

/** A failed system call of the modelled kernel. `FakeHost` turns it into the `HostdevError` that `Host` documents. */
export class KernelError extends Error {
  override readonly name = "KernelError";
  readonly errno: string;

  constructor(errno: string, message = errno) {
    super(message);
    this.errno = errno;
  }
}

/**
 * A system call that does not return for now, such as the unbind of a device whose VFIO file is open. What it does
 * is done later, when `release` is called; `isReleased` tells whether that has happened.
 */
export class KernelHang extends Error {
  override readonly name = "KernelHang";
  #released = false;
  #failure: KernelError | undefined;
  #onRelease: () => void = () => {};

  get isReleased(): boolean {
    return this.#released;
  }

  /** What the call fails with, once released. */
  get failure(): KernelError | undefined {
    return this.#failure;
  }

  onRelease(act: () => void): void {
    this.#onRelease = act;
  }

  release(failure?: KernelError): void {
    this.#released = true;
    this.#failure = failure;
    this.#onRelease();
  }
}
