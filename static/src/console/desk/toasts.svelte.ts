/** Short words at the edge of the screen. Errors say what to do and stay longer. */

export type Tone = "info" | "good" | "error";

export interface Toast {
  id: number;
  tone: Tone;
  text: string;
  action?: { label: string; run: () => void };
}

const STAYS: Record<Tone, number> = { info: 5_000, good: 4_000, error: 12_000 };

class Toasts {
  items = $state.raw<Toast[]>([]);
  #next = 1;
  #timers = new Map<number, ReturnType<typeof setTimeout>>();

  show(tone: Tone, text: string, action?: Toast["action"]): void {
    if (this.items.some((one) => one.text === text)) return; // one press more is no new information
    const toast: Toast = { id: this.#next++, tone, text, ...(action ? { action } : {}) };
    this.items = [...this.items.slice(-3), toast];
    this.resume(toast);
  }

  error(error: unknown): void {
    if (error instanceof DOMException && error.name === "AbortError") return;
    this.show("error", error instanceof Error ? error.message : String(error));
  }

  dismiss(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.items = this.items.filter((one) => one.id !== id);
  }

  /** Hovering or focusing holds a toast. */
  hold(id: number): void {
    clearTimeout(this.#timers.get(id));
  }

  resume(toast: Toast): void {
    clearTimeout(this.#timers.get(toast.id));
    this.#timers.set(
      toast.id,
      setTimeout(() => this.dismiss(toast.id), STAYS[toast.tone]),
    );
  }
}

export const toasts = new Toasts();
