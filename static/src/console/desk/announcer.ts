/** What is worth a sound, a notification or a number in the page's title, and when it is over. */

import { parseTime } from "../../shared/format";
import { gettext, interpolate, ngettext } from "../../shared/i18n";
import type { Message, Reservation } from "../protocol";
import type { ConversationState } from "../state/conversation";
import { customerName } from "../state/reading";
import type { Alerts } from "./alerts";
import { clock } from "./clock.svelte";

/** An offer nobody has answered rings again. */
export const RING_EVERY = 8_000;

export interface AnnouncerOptions {
  offers: () => Reservation[];
  unread: () => number;
  openInbox: () => void;
  openConversation: (sid: string) => void;
  /** Is this conversation in front of the person's eyes right now? */
  isLookedAt: (sid: string) => boolean;
}

export class Announcer {
  #alerts: Alerts;
  #options: AnnouncerOptions;

  constructor(alerts: Alerts, options: AnnouncerOptions) {
    this.#alerts = alerts;
    this.#options = options;
  }

  offersChanged(before: Reservation[], after: Reservation[]): void {
    const known = new Set(before.map((one) => one.sid));
    const live = new Set(after.map((one) => one.sid));
    for (const offer of after) if (!known.has(offer.sid)) this.#ring(offer, 0);
    for (const sid of known) if (!live.has(sid)) this.#alerts.withdraw(`offer-${sid}`);
    this.badge();
  }

  /** Numbered by the offer's age, so that the tabs of one agent agree on which ring this is. */
  remind(): void {
    for (const offer of this.#options.offers()) {
      const age = clock.now - (parseTime(offer.created_at) ?? clock.now);
      if (age > RING_EVERY / 2) this.#ring(offer, Math.round(age / RING_EVERY));
    }
  }

  message(state: ConversationState, message: Message): void {
    const sid = state.conversation.sid;
    if (this.#options.isLookedAt(sid)) return;
    this.#alerts.notify({
      id: `message-${sid}-${message.seq}`,
      group: `message-${sid}`,
      kind: "message",
      title: customerName(state.conversation),
      body: message.text || gettext("sent a file"),
      open: () => this.#options.openConversation(sid),
    });
  }

  read(sid: string): void {
    this.#alerts.withdraw(`message-${sid}`);
    this.badge();
  }

  badge(): void {
    this.#alerts.badge(this.#options.offers().length + this.#options.unread());
  }

  #ring(offer: Reservation, times: number): void {
    const name = offer.conversation?.contact.name || gettext("A customer");
    this.#alerts.notify({
      id: `offer-${offer.sid}-${times}`,
      group: `offer-${offer.sid}`,
      kind: "offer",
      isReminder: times > 0,
      title: interpolate(gettext("%(name)s is waiting for you"), { name }),
      body: offer.conversation?.last_message_text || offer.task.queue?.name || "",
      open: this.#options.openInbox,
    });
  }
}

/** For screen readers: what an offer's card says at a glance. */
export function offerWords(offer: Reservation): string {
  const name = offer.conversation?.contact.name || gettext("a customer");
  const left = Math.max(0, Math.round(((parseTime(offer.expires_at) ?? clock.now) - clock.now) / 1000));
  return interpolate(
    ngettext(
      "New offer: %(name)s on %(channel)s, %(n)s second left",
      "New offer: %(name)s on %(channel)s, %(n)s seconds left",
      left,
    ),
    { name, channel: offer.conversation?.channel.name ?? "", n: left },
  );
}
