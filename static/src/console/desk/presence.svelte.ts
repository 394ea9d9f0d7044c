/** Who is writing right now. Every sign lives six seconds: nothing says "stopped" when a line breaks. */

import { SvelteMap } from "svelte/reactivity";

export interface Writer {
  conversation: string;
  who: "customer" | "user";
  name: string;
  until: number;
}

export const SIGN_LIVES = 6_000;

export class Presence {
  #writers = new SvelteMap<string, Writer>();

  set(conversation: string, who: Writer["who"], id: string, name: string, active: boolean): void {
    const key = `${conversation}/${who}/${id}`;
    if (active) this.#writers.set(key, { conversation, who, name, until: Date.now() + SIGN_LIVES });
    else this.#writers.delete(key);
  }

  /** Their message has come: they are not writing it any more. */
  stop(conversation: string, who: Writer["who"]): void {
    for (const [key, writer] of this.#writers) {
      if (writer.conversation === conversation && writer.who === who) this.#writers.delete(key);
    }
  }

  sweep(now = Date.now()): void {
    for (const [key, writer] of this.#writers) if (writer.until <= now) this.#writers.delete(key);
  }

  in(conversation: string, who: Writer["who"]): Writer[] {
    return [...this.#writers.values()].filter((one) => one.conversation === conversation && one.who === who);
  }
}
