/** Words for what the server names: known names are translated, others (an administrator's own) shown as they are. */

import { gettext, interpolate } from "../../shared/i18n";
import type { Conversation, Disposition, EventFrame, Message } from "../protocol";

export function dispositionLabel(disposition: Disposition, language: string): string {
  return (language === "ar" && disposition.label_ar) || disposition.label;
}

/** Who has the conversation, as a short phrase. */
export function ownerWords({ status, owner }: Pick<Conversation, "status" | "owner">, isMe: boolean): string {
  if (status === "closed") return gettext("Closed");
  if (isMe) return gettext("With you");
  switch (owner.kind) {
    case "flow":
      return gettext("With the bot");
    case "queue":
      return owner.name
        ? interpolate(gettext("Waiting in %(queue)s"), { queue: owner.name })
        : gettext("Waiting in the queue");
    case "worker":
      return owner.name ? interpolate(gettext("With %(name)s"), { name: owner.name }) : gettext("With a colleague");
    default:
      return gettext("With nobody");
  }
}

/** Who wrote a message, as agents are told. ``customer``: their name; ``me``: whose console it is. */
export function authorWords(message: Message, customer: string, me: string): string {
  if (message.direction === "in") return message.author_name || customer;
  if (message.user_sid === me) return gettext("You");
  switch (message.author) {
    case "bot":
      // What flow documents call it by habit is no name.
      return message.author_name === "Bot" || !message.author_name ? gettext("Bot") : message.author_name;
    case "external":
      return message.author_name || gettext("Another app");
    default:
      return message.author_name || gettext("A colleague");
  }
}

/** A line about what happened to a conversation; the server sends facts, the words are ours. */
export function storyWords(message: Message): string {
  const fact = (name: string): string => String(message.data[name] ?? "");
  const { name, before, queue } = { name: fact("name"), before: fact("before"), queue: fact("queue") };
  switch (message.kind) {
    case "accepted":
      return interpolate(gettext("%(name)s accepted the conversation"), { name });
    case "taken_over":
      return interpolate(gettext("%(name)s took over from %(before)s"), { name, before });
    case "joined":
      return interpolate(gettext("%(name)s joined the conversation"), { name });
    case "left":
      return interpolate(gettext("%(name)s left the conversation"), { name });
    case "returned":
      return interpolate(gettext("%(name)s returned the conversation to %(queue)s"), { name, queue });
    case "handed_over":
      return interpolate(gettext("%(name)s handed the conversation over to %(queue)s"), { name, queue });
    default:
      return message.text || interpolate(gettext("Event: %(kind)s"), { kind: message.kind });
  }
}

/** What a transfer's giver should hear of its end, or null. */
export function transferWords(event: EventFrame): string | null {
  const transfer = event.data.transfer;
  if (!transfer) return null;
  const name = transfer.to?.name ?? "";
  switch (event.event) {
    case "task.transfer-completed":
      return transfer.mode === "WARM"
        ? gettext("A colleague has joined your conversation.")
        : gettext("A colleague has taken over your conversation.");
    case "task.transfer-failed":
      switch (transfer.reason) {
        case "rejected":
          return interpolate(gettext("%(name)s cannot take the conversation now."), { name });
        default:
          return interpolate(gettext("%(name)s did not answer. The conversation is still yours."), { name });
      }
    default:
      return null;
  }
}

/** An attribute's key as a label: `order_id` -> "Order id". Names of ours are translated. */
export function attributeLabel(key: string): string {
  switch (key) {
    case "language":
      return gettext("Language");
    case "department":
      return gettext("Department");
    case "vip":
      return gettext("VIP");
    case "intent":
      return gettext("Intent");
    case "name":
      return gettext("Name");
    case "email":
      return gettext("E-mail");
    case "phone":
      return gettext("Phone");
    default: {
      const words = key.replace(/[_.-]+/g, " ").trim();
      return words.charAt(0).toLocaleUpperCase() + words.slice(1);
    }
  }
}

/** Facts the console shows elsewhere, and ids that say nothing to a person. */
const SHOWN_ELSEWHERE: ReadonlySet<string> = new Set(["name", "vip", "channel", "conversation_sid", "contact_sid"]);
const SID = /^[A-Z]{2}[0-9a-f]{32}$/;

/** What of these attributes is worth a line on the agent's screen, in words. */
export function facts(...sources: (Record<string, unknown> | undefined)[]): { key: string; value: string }[] {
  return Object.entries(Object.assign({}, ...sources) as Record<string, unknown>)
    .filter(([key, value]) => !SHOWN_ELSEWHERE.has(key) && !(typeof value === "string" && SID.test(value)))
    .map(([key, value]) => ({ key, value: attributeValue(value) }))
    .filter(({ value }) => value !== "");
}

/** A long opaque id, cut in the middle; what a person can read stays whole. */
export function shortAddress(address: string): string {
  return /^[0-9a-f-]{20,}$/i.test(address) ? `${address.slice(0, 6)}…${address.slice(-4)}` : address;
}

export function attributeValue(value: unknown): string {
  if (value === true) return gettext("Yes");
  if (value === false) return gettext("No");
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map(attributeValue).join(", ");
  if (typeof value === "object") return JSON.stringify(value);
  const text = String(value);
  // order_status -> Order status: a code made readable, words of people left alone
  if (!/^[a-z]+(_[a-z]+)*$/.test(text) || text.length < 3) return text;
  return text.charAt(0).toUpperCase() + text.slice(1).replaceAll("_", " ");
}
