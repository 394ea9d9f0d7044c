/**
 * What the agent has sent and the server has not confirmed yet. Each carries a key made here, so sending again after a
 * cut line, a reload or a second press gives the same message. One at a time per conversation: order holds.
 */

import { gettext } from "../../shared/i18n";
import type { Message } from "../protocol";
import { Refused } from "../socket";

export interface OutgoingFile {
  key: string;
  name: string;
  content_type: string;
  size: number;
  kind: string;
}

export interface Outgoing {
  key: string;
  conversation: string;
  mode: "reply" | "note";
  text: string;
  files: OutgoingFile[];
  replyTo: string | null;
  /** The last message on the screen when it was sent: the server warns when a colleague has answered after it. */
  seenSeq: number;
  force: boolean;
  at: string;
  /**
   * waiting: for the line or its turn; sending: asked; accepted: stored, its event is on the way;
   * confirm: a colleague has answered meanwhile; failed: refused.
   */
  state: "waiting" | "sending" | "accepted" | "confirm" | "failed";
  reason: string;
}

export interface OutboxOptions {
  /** Sends one; rejects with `Refused`, or anything else when there was no answer. */
  send: (item: Outgoing) => Promise<Message>;
  load?: () => string | null;
  save?: (text: string) => void;
  retryAfter?: number;
}

export const ANSWERED_MEANWHILE = "conversation.answered_meanwhile";
/** Silent tries on a line that looks fine before the agent is told. */
const MOST_TRIES = 4;

export class Outbox {
  items = $state.raw<Outgoing[]>([]);
  #options: OutboxOptions;
  #busy = new Set<string>();
  #tries = new Map<string, number>();
  #online = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
    try {
      const kept = JSON.parse(options.load?.() ?? "[]") as Outgoing[];
      this.items = kept.map((item) => (item.state === "sending" ? { ...item, state: "waiting" } : item));
    } catch {
      this.items = [];
    }
  }

  of(conversation: string): Outgoing[] {
    return this.items.filter((item) => item.conversation === conversation);
  }

  add(item: Omit<Outgoing, "state" | "reason" | "force">): void {
    this.#store([...this.items, { ...item, force: false, state: "waiting", reason: "" }]);
    this.#next(item.conversation);
  }

  /** The line is up (everything waiting goes out) or down. */
  setOnline(online: boolean): void {
    this.#online = online;
    if (!online) return;
    this.#tries.clear();
    for (const conversation of new Set(this.items.map((item) => item.conversation))) this.#next(conversation);
  }

  retry(key: string, force = false): void {
    this.#tries.delete(key);
    const item = this.#change(key, force ? { state: "waiting", reason: "", force } : { state: "waiting", reason: "" });
    if (item) this.#next(item.conversation);
  }

  discard(key: string): Outgoing | undefined {
    const item = this.items.find((one) => one.key === key);
    this.#store(this.items.filter((one) => one.key !== key));
    return item;
  }

  /** Forgets what has arrived in the conversation's own messages. */
  reconcile(conversation: string, messages: Message[]): void {
    if (!this.items.some((item) => item.conversation === conversation)) return;
    const arrived = new Set(messages.map((message) => message.key).filter(Boolean));
    if (this.items.some((item) => arrived.has(item.key))) {
      this.#store(this.items.filter((item) => !arrived.has(item.key)));
    }
  }

  #next(conversation: string): void {
    if (!this.#online || this.#busy.has(conversation)) return;
    const item = this.items.find((one) => one.conversation === conversation && one.state === "waiting");
    if (item) void this.#send(item);
  }

  async #send(item: Outgoing): Promise<void> {
    this.#busy.add(item.conversation);
    this.#change(item.key, { state: "sending" });
    let again = 0;
    try {
      await this.#options.send(item);
      this.#change(item.key, { state: "accepted" });
    } catch (error) {
      if (error instanceof Refused) {
        this.#change(item.key, {
          state: error.code === ANSWERED_MEANWHILE ? "confirm" : "failed",
          reason: error.message,
        });
      } else {
        again = this.#afterSilence(item);
      }
    }
    this.#busy.delete(item.conversation);
    if (again) setTimeout(() => this.#next(item.conversation), again);
    else this.#next(item.conversation);
  }

  /** No answer: wait for the line, or try again soon; the key makes that harmless. */
  #afterSilence(item: Outgoing): number {
    const tries = (this.#tries.get(item.key) ?? 0) + 1;
    this.#tries.set(item.key, tries);
    if (this.#online && tries >= MOST_TRIES) {
      this.#change(item.key, {
        state: "failed",
        reason: gettext("The server does not answer. Try again in a moment."),
      });
      return 0;
    }
    this.#change(item.key, { state: "waiting" });
    return this.#options.retryAfter ?? 2_000;
  }

  #change(key: string, fields: Partial<Outgoing>): Outgoing | undefined {
    let changed: Outgoing | undefined;
    const items = this.items.map((item) => {
      if (item.key !== key) return item;
      changed = { ...item, ...fields };
      return changed;
    });
    if (changed) this.#store(items);
    return changed;
  }

  #store(items: Outgoing[]): void {
    this.items = items;
    this.#options.save?.(JSON.stringify(items.filter((item) => item.state !== "accepted")));
  }
}
