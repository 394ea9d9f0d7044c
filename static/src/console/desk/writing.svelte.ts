/** What the agent writes: the draft and the note of each conversation, files, sending, the typing sign. */

import { SvelteMap } from "svelte/reactivity";
import { newKey } from "../../shared/keys";
import type { Message } from "../protocol";
import type { ConsoleSocket } from "../socket";
import { clock } from "./clock.svelte";
import { Drafts } from "./drafts.svelte";
import { Outbox, type Outgoing } from "./outbox.svelte";
import { Uploads } from "./uploads.svelte";

const TYPING_EVERY = 3_000;

export class Writing {
  readonly drafts: Drafts;
  readonly outbox: Outbox;
  readonly uploads = new Uploads();
  /** Internal notes being written: kept apart from the draft, so that one can never go out as a reply. */
  readonly notes = new SvelteMap<string, string>();
  #socket: ConsoleSocket;
  #typing = new Map<string, number>();

  constructor(socket: ConsoleSocket, userSid: string) {
    this.#socket = socket;
    this.drafts = new Drafts({ save: (conversation, text) => socket.request("draft.save", { conversation, text }) });
    const storageKey = `contactcenter.console.outbox.${userSid}`;
    this.outbox = new Outbox({
      send: (item) => this.#deliver(item),
      load: () => sessionStorage.getItem(storageKey),
      save: (text) => sessionStorage.setItem(storageKey, text),
    });
  }

  text(conversation: string, mode: Outgoing["mode"]): string {
    return mode === "note" ? (this.notes.get(conversation) ?? "") : this.drafts.of(conversation);
  }

  write(conversation: string, mode: Outgoing["mode"], text: string): void {
    if (mode === "note") {
      this.notes.set(conversation, text);
      return;
    }
    this.drafts.write(conversation, text);
    if (text.trim()) this.#startTyping(conversation);
    else this.stopTyping(conversation);
  }

  /** Sends the text with the uploaded files, or keeps it as a note. The bubble is there at once. */
  send(conversation: string, mode: Outgoing["mode"], text: string, seenSeq: number): void {
    this.outbox.add({
      key: newKey(),
      conversation,
      mode,
      text,
      files: mode === "reply" ? this.uploads.take(conversation) : [],
      replyTo: null,
      seenSeq,
      at: new Date(clock.now).toISOString(),
    });
    if (mode === "note") this.notes.delete(conversation);
    else this.drafts.clear(conversation);
    this.stopTyping(conversation);
  }

  /** Takes back what was refused, or what a colleague's answer made doubtful, for rewriting. */
  takeBack(key: string): void {
    const item = this.outbox.discard(key);
    if (!item) return;
    const typed = this.text(item.conversation, item.mode);
    this.write(item.conversation, item.mode, [item.text, typed].filter(Boolean).join("\n"));
  }

  stopTyping(conversation: string): void {
    if (this.#typing.delete(conversation)) this.#socket.tell("typing", { conversation, active: false });
  }

  #startTyping(conversation: string): void {
    const now = Date.now();
    if (now - (this.#typing.get(conversation) ?? 0) < TYPING_EVERY) return;
    this.#typing.set(conversation, now);
    this.#socket.tell("typing", { conversation, active: true });
  }

  async #deliver(item: Outgoing): Promise<Message> {
    const { conversation, key, text } = item;
    if (item.mode === "note") return (await this.#socket.request("note.add", { conversation, key, text })).message;
    const answer = await this.#socket.request("message.send", {
      conversation,
      key,
      text,
      attachments: item.files.map((file) => file.key),
      reply_to: item.replyTo,
      seen_seq: item.seenSeq,
      force: item.force,
    });
    return answer.message;
  }
}
