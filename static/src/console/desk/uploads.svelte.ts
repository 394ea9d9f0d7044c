/** Files on their way to the server, per conversation: they survive switching to another one. */

import { SvelteMap } from "svelte/reactivity";
import { upload, type UploadHandle } from "../../shared/http";
import { newKey } from "../../shared/keys";
import { whyNot } from "../state/files";
import type { OutgoingFile } from "./outbox.svelte";
import { toasts } from "./toasts.svelte";

export interface Upload {
  id: string;
  name: string;
  size: number;
  type: string;
  /** A local address to show a picture with, or "". */
  preview: string;
  progress: number;
  state: "uploading" | "done" | "failed";
  reason: string;
  file: OutgoingFile | null;
}

const MOST_FILES = 10;

export class Uploads {
  #items = new SvelteMap<string, Upload[]>();
  #handles = new Map<string, UploadHandle<OutgoingFile>>();
  #files = new Map<string, File>();

  of(conversation: string): Upload[] {
    return this.#items.get(conversation) ?? [];
  }

  add(conversation: string, files: Iterable<File>, media: Record<string, number>): void {
    for (const file of files) {
      const reason = whyNot(media, file);
      if (reason) {
        toasts.show("error", reason);
        continue;
      }
      if (this.of(conversation).length >= MOST_FILES) return;
      const id = newKey();
      this.#files.set(id, file);
      this.#items.set(conversation, [
        ...this.of(conversation),
        {
          id,
          name: file.name,
          size: file.size,
          type: file.type,
          preview: /^image\/(png|jpeg|gif|webp)$/.test(file.type) ? URL.createObjectURL(file) : "",
          progress: 0,
          state: "uploading",
          reason: "",
          file: null,
        },
      ]);
      void this.#start(conversation, id, file);
    }
  }

  retry(conversation: string, id: string): void {
    const file = this.#files.get(id);
    if (!file) return;
    this.#change(conversation, id, { state: "uploading", progress: 0, reason: "" });
    void this.#start(conversation, id, file);
  }

  remove(conversation: string, id: string): void {
    this.#handles.get(id)?.cancel();
    this.#forget(this.of(conversation).filter((one) => one.id === id));
    this.#items.set(
      conversation,
      this.of(conversation).filter((one) => one.id !== id),
    );
  }

  /** Takes what is uploaded, for sending. */
  take(conversation: string): OutgoingFile[] {
    const items = this.of(conversation);
    this.#forget(items);
    this.#items.delete(conversation);
    return items.flatMap((one) => (one.file ? [one.file] : []));
  }

  async #start(conversation: string, id: string, file: File): Promise<void> {
    const handle = upload<OutgoingFile>("/api/uploads/", file, (progress) =>
      this.#change(conversation, id, { progress }),
    );
    this.#handles.set(id, handle);
    try {
      this.#change(conversation, id, { file: await handle.done, state: "done", progress: 1 });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return;
      this.#change(conversation, id, {
        state: "failed",
        reason: error instanceof Error ? error.message : String(error),
      });
    } finally {
      this.#handles.delete(id);
    }
  }

  #change(conversation: string, id: string, fields: Partial<Upload>): void {
    const items = this.#items.get(conversation);
    if (items) this.#items.set(conversation, items.map((one) => (one.id === id ? { ...one, ...fields } : one)));
  }

  #forget(items: Upload[]): void {
    for (const item of items) {
      this.#files.delete(item.id);
      if (item.preview) URL.revokeObjectURL(item.preview);
    }
  }
}
