// The list of messages: elements are kept by key and changed in place, so nothing is drawn or read out twice.

import type { Client } from "./client";
import { h, icon, setText } from "./dom";
import type { Bubble, Item } from "./items";
import type { FileInfo } from "./protocol";
import type { Tick } from "./store";
import type { Key, Words } from "./strings";
import { initials, pieces, plainName, safeHref } from "./text";

interface Drawn {
  element: HTMLElement;
  update(item: Item): void;
}

const TICKS: Record<Exclude<Tick, "failed">, "clock" | "check" | "checks"> = {
  sending: "clock",
  sent: "check",
  delivered: "checks",
  read: "checks",
};

const ERRORS: Record<string, Key> = { too_long: "tooLong", blocked: "blocked", closed: "chatClosed", bad_file: "badFile" };

/** Who speaks. A bot nobody named is called so in the visitor's language. */
export function speaker(from: string, name: string, words: Words): string {
  const plain = plainName(name);
  return from === "bot" && (!plain || plain === "Bot") ? words.say("assistant") : plain;
}

export class MessageList {
  private readonly drawn = new Map<string, Drawn>();

  constructor(
    private readonly log: HTMLElement,
    private readonly client: Client,
    private readonly words: Words,
    private readonly onLoad: () => void,
  ) {}

  render(items: Item[]): void {
    const keys = new Set(items.map((item) => item.key));
    for (const [key, one] of this.drawn) {
      if (keys.has(key)) continue;
      one.element.remove();
      this.drawn.delete(key);
    }
    let after: Element | null = null;
    for (const item of items) {
      let one = this.drawn.get(item.key);
      if (!one) this.drawn.set(item.key, (one = this.draw(item)));
      one.update(item);
      const place: Element | null = after ? after.nextElementSibling : this.log.firstElementChild;
      if (one.element !== place) this.log.insertBefore(one.element, place);
      after = one.element;
    }
  }

  private draw(item: Item): Drawn {
    switch (item.kind) {
      case "day": {
        const element = h("div", { class: "day" });
        return { element, update: (now) => now.kind === "day" && setText(element, this.words.day(now.at, Date.now())) };
      }
      case "earlier":
        return { element: h("div", { class: "earlier" }, "· · ·"), update: () => undefined };
      case "new":
        return { element: h("div", { class: "new" }, this.words.say("newMessages")), update: () => undefined };
      case "bubble":
        return this.bubble(item);
    }
  }

  private bubble(item: Bubble): Drawn {
    const name = speaker(item.from, item.name, this.words);
    const body = h("div", { class: "body" });
    const element = h("div", {}, body);
    const face = h("div", { class: "face", "aria-hidden": "true" });
    if (item.from === "bot") face.append(icon("bot", 17));
    else setText(face, initials(name));
    const heading = h("div", { class: "name" }, h("bdi", {}, name));
    // With a dir of its own it does not decide the direction of the bubble around it.
    const spoken = h("span", { class: "sr", dir: "auto" }, `${item.mine ? this.words.say("you") : name}: `);
    if (item.text || item.unsupported) body.append(this.words_(item, spoken));
    for (const file of item.files) body.append(this.file(file));
    const meta = h("div", { class: "meta" });
    let shown = "";
    return {
      element,
      update: (now) => {
        if (now.kind !== "bubble") return;
        element.className = [
          "row",
          now.from === "system" ? "system" : now.mine ? "mine" : "theirs",
          now.first && "first",
          now.last && "last",
          now.tick === "failed" && "failed",
        ]
          .filter(Boolean)
          .join(" ");
        const theirs = !now.mine && now.from !== "system";
        if (theirs && now.first && name) {
          if (!heading.isConnected) body.prepend(heading);
        } else heading.remove();
        if (theirs && now.last) element.prepend(face);
        else face.remove();
        const wanted = now.last ? `${now.at}|${now.tick}|${now.error}|${now.latest}` : "";
        if (wanted === shown) return;
        shown = wanted;
        meta.replaceChildren(...(now.last && now.from !== "system" ? this.meta(now) : []));
        if (meta.childNodes.length) element.append(meta);
        else meta.remove();
      },
    };
  }

  private words_(item: Bubble, spoken: HTMLElement): HTMLElement {
    if (item.unsupported) return h("div", { class: "bubble quiet" }, spoken, this.words.say("unsupported"));
    const bubble = h("div", { class: "bubble", dir: "auto" });
    for (const piece of pieces(item.text)) {
      bubble.append(
        piece.href
          ? h("a", { href: piece.href, target: "_blank", rel: "noopener noreferrer nofollow ugc" }, piece.text)
          : piece.text,
      );
    }
    bubble.prepend(spoken);
    return bubble;
  }

  private meta(now: Bubble): Node[] {
    const time = h("time", { datetime: new Date(now.at).toISOString() }, this.words.time(now.at));
    if (!now.mine || !now.tick) return [time];
    if (now.tick !== "failed") {
      const label = this.words.say(now.tick);
      const isSpelledOut = now.latest && now.tick !== "delivered";
      return [
        time,
        h(
          "span",
          { class: now.tick === "read" ? "sign is-read" : "sign", title: label },
          icon(TICKS[now.tick], 16),
          h("span", { class: isSpelledOut ? "" : "sr" }, label),
        ),
      ];
    }
    const reason = ERRORS[now.error];
    return [
      h("span", { class: "bad" }, icon("alert", 15), reason ? this.words.say(reason, { n: 4000 }) : this.words.say("failed")),
      h("button", { type: "button", onclick: () => this.client.dispatch({ type: "retry", cid: now.cid }) }, this.words.say("retry")),
      h("button", { type: "button", onclick: () => this.client.dispatch({ type: "discard", cid: now.cid }) }, this.words.say("discard")),
    ];
  }

  private file(file: FileInfo): HTMLElement {
    const name = plainName(file.name) || this.words.say("file");
    const link = h("a", { target: "_blank", rel: "noopener noreferrer", "aria-label": this.words.say("openFile", { name }) });
    const href = this.address(file.url);
    if (href) link.href = href;
    const made = Date.now();
    link.addEventListener("click", (event) => {
      // Addresses of files work for an hour; an older one is exchanged first.
      if (link.href && Date.now() - made < 50 * 60_000) return;
      event.preventDefault();
      this.client.file(file.id).then(
        (url) => {
          const fresh = this.address(url);
          if (fresh) window.open(fresh, "_blank", "noopener,noreferrer");
        },
        () => undefined,
      );
    });
    if (file.kind !== "image" || !href) return this.document(link, file, name);
    link.className = "picture";
    const image = h("img", { alt: name, loading: "lazy", referrerpolicy: "no-referrer", onload: () => this.onLoad() });
    let tried = false;
    image.addEventListener("error", () => {
      if (tried) {
        link.replaceChildren(); // the page's policy forbids pictures of ours, or it is gone
        this.document(link, file, name);
        return;
      }
      tried = true;
      this.client.file(file.id).then(
        (url) => {
          const fresh = this.address(url);
          if (fresh) link.href = image.src = fresh;
        },
        () => image.dispatchEvent(new Event("error")),
      );
    });
    image.src = href;
    link.append(image);
    return link;
  }

  private document(link: HTMLAnchorElement, file: FileInfo, name: string): HTMLElement {
    link.className = "doc";
    link.append(
      h("span", { class: "sheet" }, icon("file", 20)),
      h("span", {}, h("b", {}, h("bdi", {}, name)), h("small", {}, this.words.size(file.size))),
    );
    return link;
  }

  private address(url: string): string | null {
    return url ? safeHref(new URL(url, this.client.server).href) : null;
  }
}
