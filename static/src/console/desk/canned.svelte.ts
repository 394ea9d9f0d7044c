/** The canned replies this agent may use: fetched when first asked for, and again after a while. */

import { api } from "../api";
import { rankCanned, type CannedReply } from "../state/canned";

const FRESH_FOR = 5 * 60_000;

export class Canned {
  #all = $state.raw<CannedReply[]>([]);
  #fetchedAt = 0;
  #fetching = false;

  /** Best matches now; the list grows by itself when the answer comes. */
  find(query: string, language: string): CannedReply[] {
    return rankCanned(this.#all, query, language).slice(0, 8);
  }

  async refresh(): Promise<void> {
    if (this.#fetching || Date.now() - this.#fetchedAt < FRESH_FOR) return;
    this.#fetching = true;
    try {
      this.#all = await api.cannedReplies();
      this.#fetchedAt = Date.now();
    } catch {
      // the menu stays empty; typing goes on
    } finally {
      this.#fetching = false;
    }
  }
}
