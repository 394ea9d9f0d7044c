/**
 * Telling the agent when something wants them: sound, browser notification, the page's title. Several tabs of one agent
 * talk over a BroadcastChannel so that one of them sounds: the one in front at once, the others a moment later and only
 * when nobody has.
 */

const CHANNEL = "contactcenter-console-alerts";

interface Announcement {
  id: string;
}

export interface Notice {
  /** What it is about; the same id sounds once over all tabs. */
  id: string;
  /** One notification on the screen for these; withdrawn together. */
  group: string;
  title: string;
  body: string;
  kind: "offer" | "message";
  /** Only the sound: its notification is on the screen already. */
  isReminder?: boolean;
  open: () => void;
}

export class Alerts {
  sound = true;
  #channel: BroadcastChannel | null = null;
  #taken = new Set<string>();
  #audio: AudioContext | null = null;
  #shown = new Map<string, Notification>();
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #title = document.title;

  start(): void {
    if ("BroadcastChannel" in window) {
      this.#channel = new BroadcastChannel(CHANNEL);
      this.#channel.onmessage = (event: MessageEvent<Announcement>) => this.#taken.add(event.data.id);
    }
    // Browsers let a page sound only after the person has touched it once.
    const unlock = (): void => {
      this.#context();
      window.removeEventListener("pointerdown", unlock);
      window.removeEventListener("keydown", unlock);
    };
    window.addEventListener("pointerdown", unlock);
    window.addEventListener("keydown", unlock);
  }

  stop(): void {
    this.#channel?.close();
    this.#channel = null;
    this.#timers.forEach((timer) => clearTimeout(timer));
    for (const one of this.#shown.values()) one.close();
  }

  notify(notice: Notice): void {
    const inFront = document.visibilityState === "visible" && document.hasFocus();
    const wait = inFront ? 0 : document.visibilityState === "visible" ? 40 + Math.random() * 120 : 180 + Math.random() * 160;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (this.#taken.has(notice.id)) return;
      this.#taken.add(notice.id);
      this.#channel?.postMessage({ id: notice.id } satisfies Announcement);
      if (this.sound) this.#play(notice.kind);
      if (!inFront && !notice.isReminder) this.#show(notice);
    }, wait);
    this.#timers.add(timer);
  }

  /** The offer is gone or the conversation has been read: so is its notification. */
  withdraw(group: string): void {
    this.#shown.get(group)?.close();
    this.#shown.delete(group);
  }

  /** How many things wait, in front of the page's title. */
  badge(count: number): void {
    document.title = count > 0 ? `(${count > 99 ? "99+" : count}) ${this.#title}` : this.#title;
  }

  get permission(): NotificationPermission | "unsupported" {
    return "Notification" in window ? Notification.permission : "unsupported";
  }

  async askPermission(): Promise<NotificationPermission | "unsupported"> {
    return "Notification" in window ? Notification.requestPermission() : "unsupported";
  }

  #show(notice: Notice): void {
    if (this.permission !== "granted") return;
    try {
      const shown = new Notification(notice.title, {
        body: notice.body,
        tag: notice.group,
        requireInteraction: notice.kind === "offer",
      });
      shown.onclick = () => {
        window.focus();
        shown.close();
        notice.open();
      };
      this.#shown.set(notice.group, shown);
    } catch {
      // some phones only allow notifications from service workers: sound and title remain
    }
  }

  #context(): AudioContext | null {
    try {
      this.#audio ??= new AudioContext();
      if (this.#audio.state === "suspended") void this.#audio.resume();
    } catch {
      this.#audio = null;
    }
    return this.#audio;
  }

  /** Soft sine notes with a quick attack and a long fall; an offer rises, a message is a single low one. */
  #play(kind: Notice["kind"]): void {
    const audio = this.#context();
    if (!audio || audio.state !== "running") return;
    const notes =
      kind === "offer"
        ? [
            { hz: 659.25, at: 0 },
            { hz: 880, at: 0.16 },
            { hz: 659.25, at: 0.6 },
            { hz: 880, at: 0.76 },
          ]
        : [{ hz: 587.33, at: 0 }];
    const loud = kind === "offer" ? 0.16 : 0.08;
    for (const note of notes) {
      const start = audio.currentTime + note.at;
      const tone = audio.createOscillator();
      const gain = audio.createGain();
      tone.type = "sine";
      tone.frequency.value = note.hz;
      gain.gain.setValueAtTime(0, start);
      gain.gain.linearRampToValueAtTime(loud, start + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.0001, start + 0.5);
      tone.connect(gain).connect(audio.destination);
      tone.start(start);
      tone.stop(start + 0.55);
    }
  }
}
