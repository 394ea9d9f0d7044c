/** How far the agent has read each conversation: what the server knows, or what this or another tab has just seen. */

import { SvelteMap } from "svelte/reactivity";
import type { ConversationState } from "../state/conversation";
import { readSeq, unreadCount } from "../state/reading";

export interface ReadsOptions {
  userSid: () => string;
  tell: (conversation: string, seq: number) => void;
}

export class Reads {
  /** Where "new messages" begins in an open conversation, fixed while it is looked at. */
  newAfter = new SvelteMap<string, number>();
  #marks = new SvelteMap<string, number>();
  #options: ReadsOptions;

  constructor(options: ReadsOptions) {
    this.#options = options;
  }

  of(state: ConversationState): number {
    return Math.max(readSeq(state, this.#options.userSid()), this.#marks.get(state.conversation.sid) ?? 0);
  }

  unread(state: ConversationState | undefined): number {
    return state ? unreadCount(state, this.of(state)) : 0;
  }

  /** Everything that is loaded has been on the screen of a person who was looking. True when that is news. */
  mark(state: ConversationState): boolean {
    const last = state.messages[state.messages.length - 1]?.seq ?? 0;
    if (last <= this.of(state)) return false;
    this.#marks.set(state.conversation.sid, last);
    this.#options.tell(state.conversation.sid, last);
    return true;
  }

  /** Another tab has read this far. */
  receive(conversation: string, seq: number): void {
    this.#marks.set(conversation, Math.max(seq, this.#marks.get(conversation) ?? 0));
  }

  enter(state: ConversationState): void {
    const { sid } = state.conversation;
    if (this.newAfter.has(sid)) return;
    const read = this.of(state);
    if (read > 0 && unreadCount(state, read) > 0) this.newAfter.set(sid, read);
  }

  leave(conversation: string): void {
    this.newAfter.delete(conversation);
  }
}
