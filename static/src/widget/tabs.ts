// Other tabs of the same site: one reads, all know; one rings, the others keep quiet.

import type { Cursor } from "./store";

export type News =
  | { t: "read"; cursor: Cursor }
  | { t: "rang"; id: string }
  | { t: "muted"; on: boolean }
  | { t: "reset" };

export class Tabs {
  private readonly channel: BroadcastChannel | null;
  private readonly rung = new Set<string>();

  constructor(site: string, on: (news: News) => void) {
    this.channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(`contactcenter:${site}`);
    if (this.channel) {
      this.channel.onmessage = (event: MessageEvent<News>) => {
        if (event.data?.t === "rang") this.rung.add(event.data.id);
        else if (event.data) on(event.data);
      };
    }
  }

  tell(news: News): void {
    this.channel?.postMessage(news);
  }

  /** Ring for a message in one tab only: the one that is looked at, else whichever is quicker. */
  ring(id: string, play: () => void): void {
    const wait = document.visibilityState === "visible" ? 0 : 80 + Math.random() * 200;
    window.setTimeout(() => {
      if (this.rung.has(id)) return;
      this.rung.add(id);
      this.tell({ t: "rang", id });
      play();
    }, wait);
  }
}
