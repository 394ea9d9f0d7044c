/** Words for what the server names: known names are translated, others (an administrator's own) shown as they are. */

import { gettext, interpolate } from "../../shared/i18n";
import type { Conversation, Disposition } from "../protocol";

export function activityName(name: string): string {
  switch (name) {
    case "Available":
      return gettext("Available");
    case "Unavailable":
      return gettext("Unavailable");
    case "Break":
      return gettext("Break");
    case "Lunch":
      return gettext("Lunch");
    case "Offline":
      return gettext("Offline");
    default:
      return name;
  }
}

export function dispositionLabel(disposition: Disposition, language: string): string {
  return (language === "ar" && disposition.label_ar) || disposition.label;
}

/** Who has the conversation, as a short phrase. */
export function ownerWords(owner: Conversation["owner"], isMe: boolean): string {
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

export function attributeValue(value: unknown): string {
  if (value === true) return gettext("Yes");
  if (value === false) return gettext("No");
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map(attributeValue).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
