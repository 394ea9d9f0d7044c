import { expect, test, vi } from "vitest";
import type { EventFrame, Message } from "../protocol";
import { attributeLabel, attributeValue, authorWords, facts, ownerWords, shortAddress, storyWords, transferWords } from "./words";

test("facts: later sources win, what is shown elsewhere and ids are left out", () => {
  expect(
    facts(
      { language: "ar", vip: true, intent: "order_status", empty: "" },
      { language: "en", conversation_sid: "CH01a202c1db2576c29678ac5c99d84b79", ref: "WT01a202c1db2576c29678ac5c99d84b79" },
      undefined,
    ),
  ).toEqual([
    { key: "language", value: "en" },
    { key: "intent", value: "Order status" },
  ]);
});

test("codes become words, words of people stay", () => {
  expect(["support", "order_status", "en", "iPhone", "A-20413", "two words"].map(attributeValue)).toEqual([
    "Support",
    "Order status",
    "en",
    "iPhone",
    "A-20413",
    "two words",
  ]);
  expect([true, null, ["a", "blue"], { a: 1 }].map(attributeValue)).toEqual(["Yes", "", "a, Blue", '{"a":1}']);
  expect(attributeLabel("order_id")).toBe("Order id");
});

test("addresses people can read stay whole", () => {
  expect(["01a202c1d5597579abbdd8fc58d5b8f7", "layla@example.com", "+971501234567"].map(shortAddress)).toEqual([
    "01a202…b8f7",
    "layla@example.com",
    "+971501234567",
  ]);
});

test("who has it", () => {
  const owner = (kind: "flow" | "queue" | "worker" | "nobody", name: string, isMe = false) =>
    ownerWords({ status: "open", owner: { kind, name, sid: "" } }, isMe);
  expect([owner("flow", "x"), owner("queue", "Sales"), owner("queue", ""), owner("worker", "Bob"), owner("nobody", "")]).toEqual([
    "With the bot",
    "Waiting in Sales",
    "Waiting in the queue",
    "With Bob",
    "With nobody",
  ]);
  expect(owner("worker", "Bob", true)).toBe("With you");
  expect(ownerWords({ status: "closed", owner: { kind: "worker", name: "Bob", sid: "" } }, false)).toBe("Closed");
});

test("a conversation's story is told in words of ours", () => {
  const line = (kind: string, data: Record<string, string>) => storyWords({ kind, data, text: "" } as unknown as Message);

  expect(line("accepted", { name: "Amira" })).toBe("Amira accepted the conversation");
  expect(line("taken_over", { name: "Basil", before: "Amira" })).toBe("Basil took over from Amira");
  expect(line("joined", { name: "Basil" })).toBe("Basil joined the conversation");
  expect(line("left", { name: "Basil" })).toBe("Basil left the conversation");
  expect(line("returned", { name: "Amira", queue: "Sales" })).toBe("Amira returned the conversation to Sales");
  expect(line("handed_over", { name: "Amira", queue: "Sales" })).toBe("Amira handed the conversation over to Sales");
  expect(line("of_tomorrow", {})).toBe("Event: of_tomorrow");
});

test("a transfer's giver hears of its end, and of nothing before", () => {
  const end = (event: string, fields: Record<string, unknown> = {}) =>
    transferWords({ event, data: { transfer: { mode: "WARM", to: { name: "Basil" }, reason: "", ...fields } } } as unknown as EventFrame);

  expect(end("task.transfer-initiated")).toBeNull();
  expect(end("task.transfer-completed")).toBe("A colleague has joined your conversation.");
  expect(end("task.transfer-completed", { mode: "COLD" })).toBe("A colleague has taken over your conversation.");
  expect(end("task.transfer-failed", { reason: "rejected" })).toBe("Basil cannot take the conversation now.");
  expect(end("task.transfer-failed", { reason: "timeout" })).toBe("Basil did not answer. The conversation is still yours.");
  expect(transferWords({ event: "reservation.accepted", data: {} } as unknown as EventFrame)).toBeNull();
});

test("who wrote: names where there are any, and words for the rest", () => {
  const by = (message: Partial<Message>): string => authorWords({ direction: "out", author_name: "", user_sid: null, ...message } as Message, "Grace", "US1");
  expect(by({ direction: "in", author: "contact" })).toBe("Grace");
  expect(by({ author: "user", user_sid: "US1", author_name: "Amira" })).toBe("You");
  expect(by({ author: "user", user_sid: "US2", author_name: "Bob" })).toBe("Bob");
  expect(by({ author: "user", user_sid: "US2" })).toBe("A colleague");
  expect(by({ author: "external" })).toBe("Another app");
  expect(by({ author: "bot", author_name: "Layla" })).toBe("Layla");
});

test("the bot's usual name is a word, and said in the reader's language", () => {
  vi.stubGlobal("gettext", (word: string) => `<${word}>`);
  const bot = { direction: "out", author: "bot", author_name: "Bot", user_sid: null } as Message;
  expect(authorWords(bot, "Grace", "US1")).toBe("<Bot>");
  vi.unstubAllGlobals();
});
