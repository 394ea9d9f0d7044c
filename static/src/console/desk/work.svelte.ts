/** The agent's work: offers answered, conversations joined, handed on, wrapped up and completed. */

import { SvelteMap } from "svelte/reactivity";
import { gettext, interpolate } from "../../shared/i18n";
import type { Reservation, TransferMode } from "../protocol";
import type { ConsoleSocket } from "../socket";
import { conversationOf } from "../state/worker";
import { attempt } from "./attempt";
import { toasts } from "./toasts.svelte";

/** What of the desk changes with the work. */
interface Around {
  open: (conversation: string) => void;
  close: (conversation: string) => void;
  completed: (conversation: string) => void;
}

export class Work {
  /** Reservations being answered: their buttons wait. */
  readonly answering = new SvelteMap<string, "accept" | "reject">();
  #socket: ConsoleSocket;
  #around: Around;

  constructor(socket: ConsoleSocket, around: Around) {
    this.#socket = socket;
    this.#around = around;
  }

  async accept(reservation: Reservation): Promise<void> {
    const done = await this.#answer(reservation, "accept", () =>
      this.#socket.request("reservation.accept", { reservation: reservation.sid }),
    );
    const sid = done ? (done.conversation ?? conversationOf(reservation)) : null;
    if (sid) this.#around.open(sid);
  }

  async reject(reservation: Reservation): Promise<void> {
    const done = await this.#answer(reservation, "reject", () =>
      this.#socket.request("reservation.reject", { reservation: reservation.sid }),
    );
    if (done) toasts.show("info", gettext("Rejected. It goes to the next available agent."));
  }

  requeue(sid: string, note: string): Promise<boolean> {
    return this.#finish(sid, gettext("Returned to the queue."), () =>
      this.#socket.request("conversation.requeue", { conversation: sid, ...(note ? { note } : {}) }),
    );
  }

  /** Ask a colleague or a queue to join, or hand the conversation over. */
  async transfer(sid: string, to: { sid: string; name: string; isQueue: boolean }, mode: TransferMode, note: string): Promise<boolean> {
    const ask = () => this.#socket.request("transfer.start", { conversation: sid, to: to.sid, mode, note });
    // A queue may take hours: who hands over to it is done with it at once.
    return to.isQueue && mode === "COLD"
      ? this.#finish(sid, interpolate(gettext("Handed over to %(name)s."), { name: to.name }), ask)
      : attempt(ask);
  }

  cancelTransfer(sid: string): Promise<boolean> {
    return attempt(() => this.#socket.request("transfer.cancel", { conversation: sid }));
  }

  leave(sid: string): Promise<boolean> {
    return this.#finish(sid, gettext("You have left the conversation."), () =>
      this.#socket.request("conversation.leave", { conversation: sid }),
    );
  }

  wrapUp(sid: string): Promise<boolean> {
    return attempt(() => this.#socket.request("task.wrapup", { conversation: sid }));
  }

  async complete(sid: string, disposition: string, note: string): Promise<boolean> {
    const done = await this.#finish(sid, gettext("Completed."), () =>
      this.#socket.request("task.complete", { conversation: sid, disposition, ...(note ? { note } : {}) }),
    );
    if (done) this.#around.completed(sid);
    return done;
  }

  watch(sid: string): Promise<boolean> {
    return attempt(() => this.#socket.request("conversation.watch", { conversation: sid }));
  }

  unwatch(sid: string): Promise<boolean> {
    return attempt(() => this.#socket.request("conversation.unwatch", { conversation: sid }));
  }

  async #answer<T>(reservation: Reservation, how: "accept" | "reject", ask: () => Promise<T>): Promise<T | null> {
    if (this.answering.has(reservation.sid)) return null;
    this.answering.set(reservation.sid, how);
    try {
      return await ask();
    } catch (error) {
      toasts.error(error);
      return null;
    } finally {
      this.answering.delete(reservation.sid);
    }
  }

  async #finish(sid: string, words: string, ask: () => Promise<unknown>): Promise<boolean> {
    const done = await attempt(ask);
    if (done) {
      this.#around.close(sid);
      toasts.show("good", words, { label: gettext("Open again"), run: () => this.#around.open(sid) });
    }
    return done;
  }
}
