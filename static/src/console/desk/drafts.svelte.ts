/** What is typed and not sent, per conversation; saved to the server a moment after the last key, synced between tabs. */

import { SvelteMap } from "svelte/reactivity";

export interface DraftsOptions {
  /** Rejects when it could not be saved; it is tried again with the next `flush`. */
  save: (conversation: string, text: string) => Promise<unknown>;
  delay?: number;
}

export class Drafts {
  #texts = new SvelteMap<string, string>();
  #unsaved = new Set<string>();
  #timers = new Map<string, ReturnType<typeof setTimeout>>();
  #options: DraftsOptions;

  constructor(options: DraftsOptions) {
    this.#options = options;
  }

  of(conversation: string): string {
    return this.#texts.get(conversation) ?? "";
  }

  /** The agent typed here. */
  write(conversation: string, text: string): void {
    if (this.of(conversation) === text) return;
    this.#set(conversation, text);
    this.#unsaved.add(conversation);
    clearTimeout(this.#timers.get(conversation));
    this.#timers.set(
      conversation,
      setTimeout(() => void this.#save(conversation), this.#options.delay ?? 700),
    );
  }

  /** Sent or thrown away: saved at once, so that no other tab sends it again. */
  clear(conversation: string): void {
    if (!this.of(conversation) && !this.#unsaved.has(conversation)) return;
    this.#set(conversation, "");
    this.#unsaved.add(conversation);
    clearTimeout(this.#timers.get(conversation));
    void this.#save(conversation);
  }

  /** The conversation is over; the server has let its draft go as well. */
  drop(conversation: string): void {
    clearTimeout(this.#timers.get(conversation));
    this.#unsaved.delete(conversation);
    this.#set(conversation, "");
  }

  /** Another tab, or the server at the start. Never over something this tab has not saved yet. */
  receive(conversation: string, text: string): void {
    if (!this.#unsaved.has(conversation)) this.#set(conversation, text);
  }

  /** The line is back. */
  flush(): void {
    for (const conversation of this.#unsaved) void this.#save(conversation);
  }

  #set(conversation: string, text: string): void {
    if (text) this.#texts.set(conversation, text);
    else this.#texts.delete(conversation);
  }

  async #save(conversation: string): Promise<void> {
    const text = this.of(conversation);
    try {
      await this.#options.save(conversation, text);
    } catch {
      return; // stays unsaved until the next key or the next connection
    }
    if (this.of(conversation) === text) this.#unsaved.delete(conversation);
  }
}
