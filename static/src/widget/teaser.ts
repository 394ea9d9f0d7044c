// A new message beside the launcher, while the panel is closed.

import { h, icon, setText, show } from "./dom";
import { speaker } from "./list";
import type { MessageFrame } from "./protocol";
import type { Words } from "./strings";
import { initials } from "./text";

export class Teaser {
  readonly element: HTMLElement;
  private readonly face = h("div", { class: "face", "aria-hidden": "true" });
  private readonly name = h("bdi");
  private readonly text = h("span", { class: "teaser-text", dir: "auto" });

  constructor(
    private readonly words: Words,
    private readonly title: string,
    onOpen: () => void,
  ) {
    const open = h(
      "button",
      { class: "teaser-open", type: "button", onclick: onOpen },
      this.face,
      h("span", { class: "teaser-words" }, h("span", { class: "teaser-name" }, this.name), this.text),
    );
    const close = h(
      "button",
      { class: "teaser-close", type: "button", "aria-label": words.say("dismiss"), onclick: () => this.hide() },
      icon("close", 15),
    );
    this.element = h("div", { class: "teaser", hidden: true }, open, close);
  }

  show(message: MessageFrame): void {
    const name = speaker(message.from.type, message.from.name, this.words) || this.title;
    if (message.from.type === "bot") this.face.replaceChildren(icon("bot", 17));
    else setText(this.face, initials(name));
    setText(this.name, name);
    setText(this.text, message.text || this.words.say(message.attachments[0]?.kind === "image" ? "picture" : "file"));
    show(this.element, true);
  }

  hide(): void {
    show(this.element, false);
  }
}
