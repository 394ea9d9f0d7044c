/**
 * The server's streams as this console holds them: the worker's own and one per conversation that is open or ours.
 * Keeps them whole: what is old is ignored, a gap asks again from the last known number.
 */

import { SvelteMap, SvelteSet } from "svelte/reactivity";
import {
  WORKER_STREAM,
  type Commands,
  type EventFrame,
  type GoneFrame,
  type Message,
  type SnapshotFrame,
} from "../protocol";
import {
  applyConversationEvent,
  conversationFromSnapshot,
  withOlder,
  type ConversationState,
} from "../state/conversation";
import { accepted, applyWorkerEvent, conversationOf, workerFromSnapshot, type WorkerState } from "../state/worker";

export interface StreamsOptions {
  subscribe: (payload: Commands["subscribe"]) => Promise<unknown>;
  unsubscribe: (conversation: string) => void;
  /** Conversations that are open on the screen, besides those that are ours. */
  openConversations: () => string[];
  onWorker: (before: WorkerState | null, after: WorkerState, event: EventFrame | null) => void;
  onConversation: (sid: string, after: ConversationState, event: EventFrame | null) => void;
}

export class Streams {
  worker = $state.raw<WorkerState | null>(null);
  conversations = new SvelteMap<string, ConversationState>();
  gone = new SvelteSet<string>();
  /** True once the first subscription of this page has been answered. */
  loaded = $state(false);

  #options: StreamsOptions;
  #followed = new Set<string>();
  #asking = new Set<string>();
  #hasWorker = true;

  constructor(options: StreamsOptions) {
    this.#options = options;
  }

  /** After every welcome: everything again, from the numbers we hold. */
  async resume(hasWorker: boolean): Promise<void> {
    this.#hasWorker = hasWorker;
    this.#followed.clear();
    this.#asking.clear();
    const wanted = this.#wanted();
    for (const sid of wanted) this.#followed.add(sid);
    await this.#options.subscribe({
      ...(hasWorker ? { worker_seq: this.worker?.seq ?? null } : {}),
      conversations: this.#positions(wanted),
    });
    this.loaded = true;
    this.follow();
  }

  /** Follows what is ours or open and not followed yet, lets go of the rest. */
  follow(): void {
    const wanted = this.#wanted();
    const missing = [...wanted].filter((sid) => !this.#followed.has(sid));
    if (missing.length) {
      for (const sid of missing) this.#followed.add(sid);
      void this.#options
        .subscribe({ conversations: this.#positions(missing) })
        .catch(() => missing.forEach((sid) => this.#followed.delete(sid)));
    }
    for (const sid of [...this.#followed]) {
      if (wanted.has(sid)) continue;
      this.#followed.delete(sid);
      this.#options.unsubscribe(sid);
      this.conversations.delete(sid);
      this.gone.delete(sid);
    }
  }

  take(frame: EventFrame | SnapshotFrame | GoneFrame): void {
    if (frame.type === "gone") {
      this.gone.add(frame.stream);
      this.conversations.delete(frame.stream);
      this.#followed.delete(frame.stream);
    } else if (frame.stream === WORKER_STREAM) {
      this.#takeWorker(frame);
    } else {
      this.#takeConversation(frame);
    }
  }

  addOlder(sid: string, page: Message[]): void {
    const state = this.conversations.get(sid);
    if (state) this.conversations.set(sid, withOlder(state, page));
  }

  #takeWorker(frame: EventFrame | SnapshotFrame): void {
    const before = this.worker;
    if (frame.type === "snapshot") {
      this.worker = workerFromSnapshot(frame);
    } else {
      if (!before) return;
      const { state, verdict } = applyWorkerEvent(before, frame);
      if (verdict === "gap") this.#ask(WORKER_STREAM);
      if (verdict !== "applied") return;
      this.worker = state;
    }
    this.#asking.delete(WORKER_STREAM);
    this.#options.onWorker(before, this.worker, frame.type === "event" ? frame : null);
    if (this.loaded) this.follow();
  }

  #takeConversation(frame: EventFrame | SnapshotFrame): void {
    const sid = frame.stream;
    if (!this.#followed.has(sid)) return;
    let after: ConversationState;
    if (frame.type === "snapshot") {
      after = conversationFromSnapshot(frame);
    } else {
      const before = this.conversations.get(sid);
      if (!before) return;
      const { state, verdict } = applyConversationEvent(before, frame);
      if (verdict === "gap") this.#ask(sid);
      if (verdict !== "applied") return;
      after = state;
    }
    this.#asking.delete(sid);
    this.gone.delete(sid);
    this.conversations.set(sid, after);
    this.#options.onConversation(sid, after, frame.type === "event" ? frame : null);
  }

  /** Something is missing: ask once for everything after what we hold. */
  #ask(stream: string): void {
    if (this.#asking.has(stream)) return;
    this.#asking.add(stream);
    const payload: Commands["subscribe"] =
      stream === WORKER_STREAM
        ? { worker_seq: this.worker?.seq ?? null, conversations: {} }
        : { conversations: this.#positions([stream]) };
    void this.#options.subscribe(payload).finally(() => this.#asking.delete(stream));
  }

  #wanted(): Set<string> {
    const wanted = new Set(this.#options.openConversations());
    if (this.#hasWorker) {
      for (const reservation of accepted(this.worker)) {
        const sid = conversationOf(reservation);
        if (sid) wanted.add(sid);
      }
    }
    return wanted;
  }

  #positions(sids: Iterable<string>): Record<string, number | null> {
    return Object.fromEntries([...sids].map((sid) => [sid, this.conversations.get(sid)?.seq ?? null]));
  }
}
