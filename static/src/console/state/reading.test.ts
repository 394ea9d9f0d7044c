import { expect, test } from "vitest";
import type { Message } from "../protocol";
import type { ConversationState } from "./conversation";
import { at, conversation, message, reply, T0 } from "./fixtures";
import {
  deliveryStatus,
  lastWords,
  replyClosesAt,
  rows,
  spokenLanguage,
  unreadCount,
  urgency,
  waitingSince,
} from "./reading";

function state(...messages: Message[]): ConversationState {
  return { seq: 1, conversation: conversation(), messages, participants: [] };
}

test("unread counts the customer's messages after the read mark", () => {
  expect(unreadCount(state(message(1), reply(2), message(3), message(4)), 2)).toBe(2);
  expect(unreadCount(state(message(1), reply(2)), 2)).toBe(0);
});

test("a customer waits since the first message after the last human answer", () => {
  expect(waitingSince(state(message(1), reply(2), message(3), message(4)), at(0))).toBe(T0 + 30_000);
});

test("nobody waits after an answer, nor in a closed conversation", () => {
  expect(waitingSince(state(message(1), reply(2)), at(0))).toBeNull();
  const closed = { ...state(message(1)), conversation: conversation({ status: "closed" }) };
  expect(waitingSince(closed, at(0))).toBeNull();
});

test("a bot's answer does not end the wait, but before the accept it is not the agent's time", () => {
  const bot = reply(2, { author: "bot", user_sid: null });
  expect(waitingSince(state(message(1), bot), at(100))).toBe(T0 + 100_000);
  expect(waitingSince(state(message(1), bot, message(20)), at(100))).toBe(T0 + 100_000);
});

test("notes do not count as answers", () => {
  expect(waitingSince(state(message(1), reply(2, { direction: "note" })), null)).toBe(T0 + 10_000);
});

test("urgency grows after two and five minutes", () => {
  expect([0, 119_999, 120_000, 299_999, 300_000].map(urgency)).toEqual(["calm", "calm", "soon", "soon", "late"]);
});

test("the longer window for people is the one that counts for agents", () => {
  const both = conversation({ reply_window: { closes_at: at(10), human_closes_at: at(70) } });
  expect(replyClosesAt(both)).toBe(T0 + 70_000);
  expect(replyClosesAt(conversation({ reply_window: { closes_at: at(10), human_closes_at: null } }))).toBe(T0 + 10_000);
  expect(replyClosesAt(conversation())).toBeNull();
});

test("rows: a day line, runs of one author, a line above what is new", () => {
  const list = rows([message(1), message(2), reply(3), message(4)], 3);
  expect(list.map((row) => row.type)).toEqual(["day", "message", "message", "message", "new", "message"]);
  expect(list.flatMap((row) => (row.type === "message" ? [[row.first, row.last]] : []))).toEqual([
    [true, false],
    [false, true],
    [true, true],
    [true, true],
  ]);
});

test("rows: two days, and a system line of its own", () => {
  const list = rows([message(1), message(2, { direction: "system" }), message(3, { at: at(26 * 3600) })], null);
  expect(list.map((row) => row.type)).toEqual(["day", "message", "system", "day", "message"]);
});

test("rows: ids are unique whatever the order of days", () => {
  const list = rows([message(1), message(2, { at: at(26 * 3600) }), message(3)], 1);
  expect(new Set(list.map((row) => row.id)).size).toBe(list.length);
});

test("the customer's watermark lifts what is sent, never what failed or waits", () => {
  const far = conversation({ customer_read_seq: 5, customer_delivered_seq: 7 });
  const status = (seq: number, own: Message["status"]) => deliveryStatus(reply(seq, { status: own }), far);
  expect([status(5, "sent"), status(6, "sent"), status(8, "sent")]).toEqual(["read", "delivered", "sent"]);
  expect([status(5, "failed"), status(5, "queued"), status(5, "unknown")]).toEqual(["failed", "queued", "unknown"]);
  expect(deliveryStatus(message(5), far)).toBe("received");
});

test("last words are the customer's own, without what was deleted or empty", () => {
  const messages = [
    message(1, { text: "first" }),
    message(2, { text: " second " }),
    reply(3, { author: "bot", text: "bot" }),
    message(4, { deleted_at: at(50) }),
    message(5, { text: "" }),
    message(6, { text: "third" }),
    message(7, { text: "fourth" }),
  ];
  expect(lastWords(messages)).toEqual(["second", "third", "fourth"]);
  expect(lastWords([reply(1)])).toEqual([]);
});

test("what was heard in the conversation says which language to speak, else what the contact is known to speak", () => {
  const spoken = (language: string, attributes: Record<string, unknown> = {}) => spokenLanguage(attributes, { language });
  expect(spoken("", { language: "ar" })).toBe("ar");
  expect(spoken("en", { language: "ar" })).toBe("ar");
  expect(spoken("ar-EG")).toBe("ar");
  expect(spoken("pt_BR", { language: 7 })).toBe("pt");
  expect(spoken("")).toBe("");
  expect(spokenLanguage({ language: "ar" })).toBe("ar");
});
