/** One ticking clock for every timer on the screen, by the server's time: agents' computers go wrong by minutes. */

class Clock {
  now = $state(Date.now());
  #offset = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  start(): void {
    this.#timer ??= setInterval(() => this.tick(), 1000);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  tick(): void {
    this.now = Date.now() + this.#offset;
  }

  setServerTime(iso: string): void {
    const at = Date.parse(iso);
    if (!Number.isNaN(at)) {
      this.#offset = at - Date.now();
      this.tick();
    }
  }
}

export const clock = new Clock();
