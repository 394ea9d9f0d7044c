// Where the visitor writes: text, files by button, paste and drop.

import type { Client } from "./client";
import { UploadError } from "./client";
import { h, icon, setText, show } from "./dom";
import type { FileInfo, SiteConfig } from "./protocol";
import type { Memory } from "./storage";
import type { Words } from "./strings";
import { plainName } from "./text";

interface Upload {
  element: HTMLElement;
  info: FileInfo | null;
  cancel: () => void;
}

export class Composer {
  readonly element: HTMLFormElement;
  readonly input: HTMLTextAreaElement;
  private readonly tray = h("div", { class: "tray", hidden: true });
  private readonly note = h("p", { class: "note", role: "alert", hidden: true });
  private readonly count = h("p", { class: "count", "aria-live": "polite", hidden: true });
  private readonly go: HTMLButtonElement;
  private readonly picker: HTMLInputElement;
  private uploads: Upload[] = [];

  constructor(
    private readonly client: Client,
    private readonly memory: Memory,
    private readonly words: Words,
    private readonly config: SiteConfig,
    private readonly onSent: () => void,
  ) {
    this.input = h("textarea", {
      rows: "1",
      placeholder: words.say("write"),
      "aria-label": words.say("message"),
      maxlength: String(config.max_text),
      enterkeyhint: "send",
    });
    this.picker = h("input", { type: "file", multiple: true, hidden: true, tabindex: "-1" });
    this.go = h("button", { class: "round go", type: "submit", "aria-label": words.say("send"), title: words.say("send") }, icon("send", 19));
    const attach = h(
      "button",
      { class: "round", type: "button", "aria-label": words.say("attach"), title: words.say("attach"), onclick: () => this.picker.click() },
      icon("clip", 20),
    );
    this.element = h(
      "form",
      { class: "composer" },
      this.note,
      this.tray,
      this.count,
      h("div", { class: "field" }, attach, this.input, this.go),
      this.picker,
    );
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.picker.addEventListener("change", () => {
      this.add(this.picker.files);
      this.picker.value = "";
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
    this.input.addEventListener("input", () => {
      this.memory.draft = this.input.value;
      this.client.typing();
      this.resize();
    });
    this.input.addEventListener("paste", (event) => {
      if (event.clipboardData?.files.length) {
        event.preventDefault();
        this.add(event.clipboardData.files);
      }
    });
    this.input.value = memory.draft;
    this.resize();
  }

  submit(): void {
    const text = this.input.value.trim();
    const files = this.uploads.flatMap((one) => (one.info ? [one.info] : []));
    if (this.uploads.length !== files.length || (!text && !files.length)) return;
    this.input.value = "";
    this.memory.draft = "";
    this.uploads = [];
    this.tray.replaceChildren();
    this.say("");
    this.client.say(text, files);
    this.resize();
    this.input.focus();
    this.onSent();
  }

  resize(): void {
    // An empty field has no direction of its own: its placeholder is read in the widget's language.
    this.input.dir = this.input.value ? "auto" : this.words.rtl ? "rtl" : "ltr";
    this.input.style.height = "auto";
    if (this.input.scrollHeight) this.input.style.height = `${Math.min(132, this.input.scrollHeight)}px`;
    const left = this.config.max_text - this.input.value.length;
    setText(this.count, this.words.say("left", { n: left }));
    show(this.count, left < 300);
    show(this.tray, this.uploads.length > 0);
    this.go.disabled =
      this.uploads.some((one) => !one.info) || (!this.input.value.trim() && !this.uploads.length);
  }

  add(files: FileList | null): void {
    this.say("");
    for (const file of files ?? []) this.upload(file);
    this.resize();
    this.input.focus();
  }

  private say(text: string): void {
    setText(this.note, text);
    show(this.note, !!text);
  }

  private upload(file: File): void {
    const name = plainName(file.name) || this.words.say("file");
    if (this.uploads.length >= this.config.max_files) {
      return this.say(this.words.say("fileMany", { n: this.config.max_files }));
    }
    if (file.size > this.config.max_file) {
      return this.say(this.words.say("fileTooBig", { name, size: this.words.size(this.config.max_file) }));
    }
    if (!file.size) return this.say(this.words.say("fileEmpty", { name }));
    const bar = h("progress", { max: "1", value: "0", "aria-label": this.words.say("uploading", { name }) });
    const started = this.client.upload(file, (share) => (bar.value = share));
    const remove = h(
      "button",
      { type: "button", "aria-label": this.words.say("remove", { name }), onclick: () => this.drop(one) },
      icon("close", 15),
    );
    const element = h("div", { class: "upload" }, this.thumb(file), h("b", {}, h("bdi", {}, name)), remove, bar);
    const one: Upload = { element, info: null, cancel: started.cancel };
    this.uploads.push(one);
    this.tray.append(element);
    started.done.then(
      (info) => {
        one.info = info;
        bar.remove();
        this.resize();
      },
      (error: unknown) => {
        if (!this.uploads.includes(one)) return; // taken away meanwhile
        this.drop(one);
        const big = error instanceof UploadError && error.code === "too_big";
        this.say(this.words.say(big ? "fileTooBig" : "fileFailed", { name, size: this.words.size(this.config.max_file) }));
      },
    );
  }

  private drop(one: Upload): void {
    this.uploads = this.uploads.filter((other) => other !== one);
    one.cancel();
    one.element.remove();
    this.resize();
    this.input.focus();
  }

  /** A small picture of a picture: drawn, because the page's policy may forbid blob: and data: addresses. */
  private thumb(file: File): HTMLElement {
    const sheet = h("span", { class: "thumb" }, icon("file", 18));
    if (/^image\/(png|jpeg|gif|webp)$/.test(file.type)) {
      createImageBitmap(file).then(
        (bitmap) => {
          const canvas = h("canvas", { class: "thumb", width: "72", height: "72" });
          const scale = 72 / Math.min(bitmap.width, bitmap.height);
          const [width, height] = [bitmap.width * scale, bitmap.height * scale];
          canvas.getContext("2d")?.drawImage(bitmap, (72 - width) / 2, (72 - height) / 2, width, height);
          bitmap.close();
          sheet.replaceWith(canvas);
        },
        () => undefined, // not a picture after all
      );
    }
    return sheet;
  }
}
